package vault

import (
	"crypto/hmac"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/binary"

	"github.com/cloudflare/circl/group"

	"strongroom/internal/fault"
	"strongroom/internal/wire"
)

// Login is what a login that has ended well gives. Nothing of it is used unless ServerPublicKey is the one that is
// expected.
type Login struct{ ServerPublicKey, KE3, SessionKey, ExportKey []byte }

// Login finishes a login on KE2. The caller compares the server public key: that is the rest of step 5.
// Errors: malformed, wrong-password, server-authentication-failed.
func (b *Blinded) Login(ke2 []byte, keys KeyIDs, stretch Stretch) (Login, error) {
	if len(ke2) != ke2Length {
		return Login{}, fault.Malformed
	}
	d := wire.Decode(ke2)
	evaluatedBytes, maskingNonce, masked := d.Bytes(elementLength), d.Bytes(nonceLength), d.Bytes(elementLength+envelopeLength)
	serverNonce, keyshareBytes, serverMAC := d.Bytes(nonceLength), d.Bytes(elementLength), d.Bytes(hashLength)
	serverKeyshare, err := element(keyshareBytes)
	if err != nil {
		return Login{}, err
	}
	evaluated, err := b.evaluated(evaluatedBytes)
	if err != nil {
		return Login{}, err
	}
	randomized, err := b.randomizedPassword(evaluated, stretch)
	if err != nil {
		return Login{}, err
	}
	response := expand(expand(randomized, "MaskingKey", hashLength), string(maskingNonce)+"CredentialResponsePad", len(masked))
	subtle.XORBytes(response, response, masked)
	serverPublicKey, nonce, tag := response[:32], response[32:64], response[64:]
	e, err := openEnvelope(randomized, nonce, serverPublicKey)
	if err != nil {
		return Login{}, err
	}
	if !hmac.Equal(tag, e.tag) {
		return Login{}, fault.WrongPassword
	}
	serverKey, err := element(serverPublicKey)
	if err != nil {
		return Login{}, err
	}
	ke1, err := b.KE1()
	if err != nil {
		return Login{}, err
	}
	own, err := deriveKeyPair(b.random.ClientKeyshareSeed)
	if err != nil {
		return Login{}, err
	}
	secret, err := concatenated(
		group.Ristretto255.NewElement().Mul(serverKeyshare, own.private),
		group.Ristretto255.NewElement().Mul(serverKey, own.private),
		group.Ristretto255.NewElement().Mul(serverKeyshare, e.keys.private),
	)
	if err != nil {
		return Login{}, err
	}
	context := opaqueContext(keys, stretch)
	preamble := sha512.New()
	preamble.Write([]byte("OPAQUEv1-"))
	for _, part := range [][]byte{
		identity(context), identity(e.keys.public), ke1, identity(serverPublicKey),
		ke2[:elementLength+nonceLength+len(masked)], serverNonce, keyshareBytes,
	} {
		preamble.Write(part)
	}
	transcript := preamble.Sum(nil)
	prk := extract(secret)
	handshake := deriveSecret(prk, "HandshakeSecret", transcript)
	expected := mac(deriveSecret(handshake, "ServerMAC", nil), transcript)
	if !hmac.Equal(serverMAC, expected) {
		return Login{}, fault.ServerAuthenticationFailed
	}
	preamble.Write(expected)
	ke3 := mac(deriveSecret(handshake, "ClientMAC", nil), preamble.Sum(nil))
	return Login{serverPublicKey, ke3, deriveSecret(prk, "SessionKey", transcript), e.exportKey}, nil
}

func concatenated(elements ...group.Element) (b []byte, err error) {
	for _, e := range elements {
		encoded, err := e.MarshalBinary()
		if err != nil {
			return nil, err
		}
		b = append(b, encoded...)
	}
	return b, nil
}

// deriveSecret is Derive-Secret of RFC 9807, section 6.4.2.1.
func deriveSecret(secret []byte, label string, transcript []byte) []byte {
	label = "OPAQUE-" + label
	info := string(binary.BigEndian.AppendUint16(nil, hashLength)) + string(byte(len(label))) + label +
		string(byte(len(transcript))) + string(transcript)
	return expand(secret, info, hashLength)
}
