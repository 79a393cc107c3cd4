package vault

import (
	"strongroom/internal/container"
	"strongroom/internal/fault"
	"strongroom/internal/wire"
)

// Binding is what a sealed key is bound to.
type Binding struct {
	FleetID, Account []byte
	Generation       uint64
}

func (b Binding) encode() ([]byte, error) {
	return new(wire.Encoder).Bytes(b.FleetID).Vector(1, 64, b.Account).Uint(8, b.Generation).End()
}

// SealKey seals a backup key under the export key of one registration. Errors: malformed, invalid-key.
func SealKey(exportKey, backupKey []byte, b Binding) ([]byte, error) {
	if len(backupKey) != 32 {
		return nil, fault.InvalidKey
	}
	aad, err := b.encode()
	if err != nil {
		return nil, err
	}
	gcm, err := newGCM(expand(exportKey, container.Label("sealed-key"), 32))
	if err != nil {
		return nil, err
	}
	// The nonce is constant: every export key seals one backup key (OPQ-26).
	return gcm.Seal(nil, make([]byte, 12), backupKey, aad), nil
}

// OpenKey opens a sealed key. Errors: malformed, bad-sealed-key.
func OpenKey(exportKey, sealedKey []byte, b Binding) ([]byte, error) {
	aad, err := b.encode()
	if err != nil {
		return nil, err
	}
	gcm, err := newGCM(expand(exportKey, container.Label("sealed-key"), 32))
	if err != nil {
		return nil, err
	}
	backupKey, err := gcm.Open(nil, make([]byte, 12), sealedKey, aad)
	if err != nil || len(backupKey) != 32 {
		return nil, fault.BadSealedKey
	}
	return backupKey, nil
}
