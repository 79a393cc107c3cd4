package vault

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hpke"
	"crypto/sha256"

	"strongroom/internal/container"
	"strongroom/internal/fault"
	"strongroom/internal/wire"
)

const plaintextLength = 2048

// sealedRequest is a request as it travels, and what opens the answers to it.
type sealedRequest struct {
	bytes       []byte
	hash        [32]byte
	enc, secret []byte
}

// sealRequest seals 2048 bytes to the fleet. Errors: malformed.
func (f *Descriptor) sealRequest(plaintext []byte) (*sealedRequest, error) {
	if len(plaintext) != plaintextLength {
		return nil, fault.Malformed
	}
	key := f.currentKey()
	point, err := f.channelKey(key.Public)
	if err != nil {
		return nil, fault.Malformed
	}
	public, err := hpke.NewDHKEMPublicKey(point)
	if err != nil {
		return nil, fault.Malformed
	}
	channelInfo := new(wire.Encoder).Uint(1, 1).Uint(1, uint64(f.Suite)).Bytes(f.FleetID).Bytes(key.ID[:])
	info, err := channelInfo.End()
	if err != nil {
		return nil, err
	}
	info = append([]byte(container.Label("channel-request")), info...)
	enc, sender, err := hpke.NewSender(public, hpke.HKDFSHA256(), hpke.AES256GCM(), info)
	if err != nil {
		return nil, fault.Malformed // a key of small order
	}
	ciphertext, err := sender.Seal(nil, plaintext)
	if err != nil {
		return nil, err
	}
	secret, err := sender.Export(container.Label("channel-answer"), 32)
	if err != nil {
		return nil, err
	}
	sealed, err := new(wire.Encoder).Uint(1, 1).Uint(1, uint64(f.Suite)).Bytes(key.ID[:]).
		Vector(1, 1<<16-1, enc).Vector(2064, 2064, ciphertext).End()
	return &sealedRequest{sealed, sha256.Sum256(sealed), enc, secret}, err
}

// openAnswer opens an answer to this request. Errors: bad-answer.
func (s *sealedRequest) openAnswer(sealed []byte) ([]byte, error) {
	if len(sealed) != 32+plaintextLength+16 {
		return nil, fault.BadAnswer
	}
	prk, err := hkdf.Extract(sha256.New, s.secret, append(s.enc[:len(s.enc):len(s.enc)], sealed[:32]...))
	if err != nil {
		return nil, err
	}
	key, err := hkdf.Expand(sha256.New, prk, "key", 32)
	if err != nil {
		return nil, err
	}
	nonce, err := hkdf.Expand(sha256.New, prk, "nonce", 12)
	if err != nil {
		return nil, err
	}
	gcm, err := newGCM(key)
	if err != nil {
		return nil, err
	}
	plaintext, err := gcm.Open(nil, nonce, sealed[32:], s.hash[:])
	if err != nil {
		return nil, fault.BadAnswer
	}
	return plaintext, nil
}

func newGCM(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}
