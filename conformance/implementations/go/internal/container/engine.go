package container

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"math"

	"strongroom/internal/fault"
)

const tagLength = 16

// Engine is the bare chunk engine: it opens chunks at any index under a given key.
type Engine struct {
	// ChunkLength is C, the length of the plaintext of every chunk but the last.
	ChunkLength int
	aead        cipher.AEAD
	baseNonce   [12]byte
}

// NewEngine takes a key of 32 bytes and a base nonce of 12. Errors: invalid-key.
func NewEngine(key, baseNonce []byte, chunkLog2 int) (Engine, error) {
	if len(key) != 32 || len(baseNonce) != 12 {
		return Engine{}, fault.InvalidKey
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return Engine{}, err
	}
	aead, err := cipher.NewGCM(block)
	return Engine{1 << chunkLog2, aead, [12]byte(baseNonce)}, err
}

// Open opens a chunk and appends its plaintext to dst, which can be sealed[:0].
// Errors: limit-exceeded, chunk-damaged.
func (e Engine) Open(dst []byte, index uint64, sealed []byte) ([]byte, error) {
	if index > math.MaxUint32 {
		return nil, fault.LimitExceeded
	}
	if len(sealed) > e.ChunkLength+tagLength {
		return nil, fault.ChunkDamaged
	}
	nonce := e.baseNonce
	low := binary.BigEndian.Uint64(nonce[4:])
	binary.BigEndian.PutUint64(nonce[4:], low^index)
	plaintext, err := e.aead.Open(dst, nonce[:], sealed, nil)
	if err != nil {
		return nil, fault.ChunkDamaged
	}
	return plaintext, nil
}
