package vault

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/sha256"
	"math/big"

	"filippo.io/edwards25519"

	"strongroom/internal/container"
	"strongroom/internal/fault"
	"strongroom/internal/wire"
)

const maxDescriptor = 81920

// Pins are what a client believes of a fleet before it has heard of it.
type Pins struct {
	FleetID   []byte // 16 bytes; nil takes any fleet
	Signers   []ed25519.PublicKey
	Threshold int
}

// Seen is what is remembered of the newest descriptor of a fleet: serial 0 if there was none.
type Seen struct {
	Serial uint64 `json:"serial"`
	Hash   []byte `json:"hash"` // SHA-256 of the descriptor; nil is not compared
	Level  uint8  `json:"level"`
}

func keyID(public []byte) [8]byte {
	sum := sha256.Sum256(public)
	return [8]byte(sum[:8])
}

// validEd25519 says whether a public key is the canonical encoding of a point that is not of small order.
func validEd25519(key []byte) bool {
	p, err := new(edwards25519.Point).SetBytes(key)
	if err != nil || !bytes.Equal(p.Bytes(), key) {
		return false
	}
	return new(edwards25519.Point).MultByCofactor(p).Equal(edwards25519.NewIdentityPoint()) == 0
}

// verifyEd25519 refuses what FLT-6 names; crypto/ed25519 sees to R and S.
func verifyEd25519(key, message, signature []byte) bool {
	return validEd25519(key) && ed25519.Verify(key, message, signature)
}

// verifyP256 verifies ECDSA with SHA-256. The signature is r and s, 32 bytes each.
func verifyP256(key, message, signature []byte) bool {
	public, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), key)
	if err != nil {
		return false
	}
	hash := sha256.Sum256(message)
	// Verify refuses r and s that are not from 1 to n-1.
	return ecdsa.Verify(public, hash[:], new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:]))
}

// Check holds pins against CLI-3. Errors: invalid-config.
func (p Pins) Check() error {
	seen := map[[8]byte]bool{}
	for _, signer := range p.Signers {
		seen[keyID(signer)] = true
	}
	if len(seen) != len(p.Signers) || p.Threshold < 1 || p.Threshold > len(p.Signers) {
		return fault.InvalidConfig
	}
	return nil
}

// VerifyDescriptor makes the steps of "Verifying" in fleet.md. What is to be remembered is in the Seen of the result.
// Errors: invalid-config, and those of the steps.
func VerifyDescriptor(signed []byte, pins Pins, now uint64, last Seen) (*Descriptor, error) {
	if err := pins.Check(); err != nil {
		return nil, err
	}
	encoded, err := pins.checkSignatures(signed)
	if err != nil {
		return nil, err
	}
	if encoded[0] != 1 {
		return nil, fault.UnsupportedVersion
	}
	d, err := decodeDescriptor(encoded)
	if err != nil {
		return nil, err
	}
	switch {
	case pins.FleetID != nil && !bytes.Equal(pins.FleetID, d.FleetID):
		return nil, fault.WrongFleet
	case d.Seen.Serial < last.Serial, d.Seen.Level < last.Level:
		return nil, fault.DescriptorRollback
	case d.Seen.Serial == last.Serial && last.Hash != nil && !bytes.Equal(last.Hash, d.Seen.Hash):
		return nil, fault.DescriptorRollback
	case now < d.NotBefore:
		return nil, fault.DescriptorNotYetValid
	case now > d.NotAfter:
		return nil, fault.DescriptorExpired
	}
	return d, nil
}

// checkSignatures makes steps 1 to 3, and gives the encoded descriptor.
func (p Pins) checkSignatures(signed []byte) ([]byte, error) {
	d := wire.Decode(signed)
	d.Check(string(d.Bytes(8)) == "SRMFLEET")
	encoded := d.Vector(1, 1<<16-1)
	message := append([]byte(container.Label("fleet-descriptor")), encoded...)
	var before []byte
	count := 0
	d.Each(72, 4608, func(d *wire.Decoder) {
		id, signature := d.Bytes(8), d.Bytes(64)
		d.Check(before == nil || bytes.Compare(before, id) < 0)
		before = id
		for _, signer := range p.Signers {
			if keyID(signer) == [8]byte(id) && verifyEd25519(signer, message, signature) {
				count++
			}
		}
	})
	if d.End() != nil {
		return nil, fault.BadDescriptor
	}
	if count < p.Threshold {
		return nil, fault.DescriptorNotTrusted
	}
	return encoded, nil
}
