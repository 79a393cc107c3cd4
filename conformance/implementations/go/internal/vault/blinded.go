package vault

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/binary"

	"github.com/cloudflare/circl/group"
	"github.com/cloudflare/circl/oprf"

	"strongroom/internal/fault"
)

// Randomness is what OPAQUE draws: the values of registries.md by their names. A blind is a scalar that is not zero.
type Randomness struct{ Blind, EnvelopeNonce, ClientNonce, ClientKeyshareSeed []byte }

// Draw draws fresh randomness.
func Draw() Randomness {
	blind, err := group.Ristretto255.RandomNonZeroScalar(rand.Reader).MarshalBinary()
	if err != nil {
		panic(err) // a scalar always has an encoding
	}
	return Randomness{blind, random(nonceLength), random(nonceLength), random(nonceLength)}
}

// Blinded is a prepared password whose blinded element goes to a vault.
type Blinded struct {
	// Element is a RegistrationRequest, and the first part of KE1.
	Element []byte
	state   *oprf.FinalizeData
	random  Randomness
}

// Blind begins a registration or a login with a prepared password. Errors: malformed.
func Blind(password []byte, r Randomness) (*Blinded, error) {
	blind, err := scalar(r.Blind)
	if err != nil {
		return nil, err
	}
	client := oprf.NewClient(oprf.SuiteRistretto255)
	state, request, err := client.DeterministicBlind([][]byte{password}, []oprf.Blind{blind})
	if err != nil {
		return nil, fault.Malformed
	}
	b, err := request.Elements[0].MarshalBinary()
	return &Blinded{b, state, r}, err
}

// evaluated reads the evaluated element of an answer. Errors: malformed.
func (b *Blinded) evaluated(answer []byte) (group.Element, error) {
	if subtle.ConstantTimeCompare(answer, b.Element) == 1 {
		return nil, fault.Malformed
	}
	return element(answer)
}

// randomizedPassword finishes the OPRF and stretches what it gives.
func (b *Blinded) randomizedPassword(evaluated group.Element, stretch Stretch) ([]byte, error) {
	client := oprf.NewClient(oprf.SuiteRistretto255)
	outputs, err := client.Finalize(b.state, &oprf.Evaluation{Elements: []oprf.Evaluated{evaluated}})
	if err != nil {
		return nil, fault.Malformed
	}
	return extract(append(outputs[0], stretch.apply(outputs[0])...)), nil
}

// envelope is what a registration and each login derive from the randomized password and the nonce of the envelope.
type envelope struct {
	keys           keyPair
	tag, exportKey []byte
}

func openEnvelope(randomized, nonce, serverPublicKey []byte) (envelope, error) {
	keys, err := deriveKeyPair(expand(randomized, string(nonce)+"PrivateKey", nonceLength))
	if err != nil {
		return envelope{}, err
	}
	authKey := expand(randomized, string(nonce)+"AuthKey", hashLength)
	return envelope{
		keys:      keys,
		tag:       mac(authKey, nonce, serverPublicKey, identity(serverPublicKey), identity(keys.public)),
		exportKey: expand(randomized, string(nonce)+"ExportKey", hashLength),
	}, nil
}

// identity is an identity with its length before it; both identities are public keys here.
func identity(publicKey []byte) []byte {
	return append(binary.BigEndian.AppendUint16(nil, uint16(len(publicKey))), publicKey...)
}

// Register finishes a registration on a RegistrationResponse, whose server public key must be the one that is
// expected. Errors: malformed, server-authentication-failed.
func (b *Blinded) Register(response, serverPublicKey []byte, stretch Stretch) (record, exportKey []byte, err error) {
	if len(response) != 2*elementLength {
		return nil, nil, fault.Malformed
	}
	if _, err := element(response[elementLength:]); err != nil {
		return nil, nil, err
	}
	evaluated, err := b.evaluated(response[:elementLength])
	if err != nil {
		return nil, nil, err
	}
	if subtle.ConstantTimeCompare(response[elementLength:], serverPublicKey) != 1 {
		return nil, nil, fault.ServerAuthenticationFailed
	}
	randomized, err := b.randomizedPassword(evaluated, stretch)
	if err != nil {
		return nil, nil, err
	}
	e, err := openEnvelope(randomized, b.random.EnvelopeNonce, serverPublicKey)
	if err != nil {
		return nil, nil, err
	}
	maskingKey := expand(randomized, "MaskingKey", hashLength)
	record = append(append(append(e.keys.public, maskingKey...), b.random.EnvelopeNonce...), e.tag...)
	return record, e.exportKey, nil
}

// KE1 is the first message of a login.
func (b *Blinded) KE1() ([]byte, error) {
	keyshare, err := deriveKeyPair(b.random.ClientKeyshareSeed)
	return append(append(append([]byte{}, b.Element...), b.random.ClientNonce...), keyshare.public...), err
}
