package vault

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha512"

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
