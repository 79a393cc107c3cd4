package vault

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/binary"

	"github.com/cloudflare/circl/group"
	"github.com/cloudflare/circl/oprf"
	"golang.org/x/crypto/argon2"

	"strongroom/internal/container"
	"strongroom/internal/fault"
	"strongroom/internal/wire"
)

// OPAQUE-3DH of RFC 9807 with ristretto255-SHA512, HKDF-SHA-512 and HMAC-SHA-512. The OPRF of RFC 9497 and the group
// are those of CIRCL.

const (
	elementLength  = 32
	hashLength     = 64
	nonceLength    = 32
	envelopeLength = nonceLength + hashLength
	ke1Length      = 2*elementLength + nonceLength
	ke2Length      = elementLength + nonceLength + elementLength + envelopeLength + nonceLength + elementLength + hashLength
	ke3Length      = hashLength
)

// Stretch is how a password is stretched: Argon2id, version 0x13.
type Stretch struct {
	Algorithm   uint8  `json:"algorithm"`
	Iterations  uint32 `json:"iterations"`
	MemoryKiB   uint32 `json:"memoryKib"`
	Parallelism uint16 `json:"parallelism"`
}

// Floor is the least stretching that a client takes outside tests.
var Floor = Stretch{1, 3, 65536, 1}

// Check holds the parameters against a floor of the client's own and the ceiling of the specification.
// Errors: stretch-out-of-bounds.
func (s Stretch) Check(floor Stretch) error {
	if s.Algorithm != 1 || s.Iterations < floor.Iterations || s.MemoryKiB < floor.MemoryKiB ||
		s.Parallelism < floor.Parallelism || s.Iterations > 10 || s.MemoryKiB > 1<<20 || s.Parallelism > 16 {
		return fault.StretchOutOfBounds
	}
	return nil
}

func (s Stretch) encode(e *wire.Encoder) *wire.Encoder {
	return e.Uint(1, uint64(s.Algorithm)).Uint(4, uint64(s.Iterations)).Uint(4, uint64(s.MemoryKiB)).
		Uint(2, uint64(s.Parallelism))
}

func decodeStretch(d *wire.Decoder) Stretch {
	return Stretch{uint8(d.Uint(1)), uint32(d.Uint(4)), uint32(d.Uint(4)), uint16(d.Uint(2))}
}

func (s Stretch) apply(input []byte) []byte {
	return argon2.IDKey(input, make([]byte, 16), s.Iterations, s.MemoryKiB, uint8(s.Parallelism), hashLength)
}

// KeyIDs names the keys of a vault under which a registration was made.
type KeyIDs struct{ OPRF, OPAQUE [8]byte }

func opaqueContext(keys KeyIDs, stretch Stretch) []byte {
	e := new(wire.Encoder).Bytes([]byte(container.Label("opaque-context"))).Uint(1, 1).Uint(1, 1).
		Bytes(keys.OPRF[:]).Bytes(keys.OPAQUE[:])
	b, _ := stretch.encode(e).End() // every field has the width of its type
	return b
}

// element reads a group element that is canonical and not the identity. Errors: malformed.
func element(b []byte) (group.Element, error) {
	e := group.Ristretto255.NewElement()
	if len(b) != elementLength || e.UnmarshalBinary(b) != nil || e.IsIdentity() {
		return nil, fault.Malformed
	}
	if again, err := e.MarshalBinary(); err != nil || string(again) != string(b) {
		return nil, fault.Malformed
	}
	return e, nil
}

func scalar(b []byte) (group.Scalar, error) {
	s := group.Ristretto255.NewScalar()
	if s.UnmarshalBinary(b) != nil || s.IsZero() {
		return nil, fault.Malformed
	}
	return s, nil
}

// keyPair is a private key and the encoding of its public key.
type keyPair struct {
	private group.Scalar
	public  []byte
}

// deriveKeyPair is DeriveDiffieHellmanKeyPair of RFC 9807, section 6.4.1.
func deriveKeyPair(seed []byte) (keyPair, error) {
	key, err := oprf.DeriveKey(oprf.SuiteRistretto255, oprf.BaseMode, seed, []byte("OPAQUE-DeriveDiffieHellmanKeyPair"))
	if err != nil {
		return keyPair{}, err
	}
	b, err := key.MarshalBinary()
	if err != nil {
		return keyPair{}, err
	}
	private, err := scalar(b)
	if err != nil {
		return keyPair{}, err
	}
	public, err := group.Ristretto255.NewElement().MulGen(private).MarshalBinary()
	return keyPair{private, public}, err
}

func expand(key []byte, info string, length int) []byte {
	b, err := hkdf.Expand(sha512.New, key, info, length)
	if err != nil {
		panic(err) // the lengths of this file are far below the limit of HKDF
	}
	return b
}

func extract(secret []byte) []byte {
	b, err := hkdf.Extract(sha512.New, secret, nil)
	if err != nil {
		panic(err)
	}
	return b
}

func mac(key []byte, parts ...[]byte) []byte {
	h := hmac.New(sha512.New, key)
	for _, part := range parts {
		h.Write(part)
	}
	return h.Sum(nil)
}

func random(n int) []byte {
	b := make([]byte, n)
	rand.Read(b)
	return b
}

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
