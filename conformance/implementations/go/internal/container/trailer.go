package container

import (
	"encoding/binary"
	"math/bits"

	"strongroom/internal/fault"
)

const trailerLength = 16

type trailer struct {
	contentLength int64
	padded        bool
}

// checkTrailer makes steps 19 and 20 of Reading on the plaintext of the final chunk, which is chunk i.
func checkTrailer(plaintext []byte, i int64, chunkLength int) (trailer, error) {
	b := plaintext[len(plaintext)-trailerLength:]
	length := i*int64(chunkLength) + int64(len(plaintext))
	content := binary.BigEndian.Uint64(b)
	if b[8] > 1 || !allZero(b[9:]) || content > maxContent || int64(content) > length-trailerLength {
		return trailer{}, fault.BadTrailer
	}
	t := trailer{int64(content), b[8] == 1}
	if length != plaintextLength(t, int64(chunkLength)) {
		return trailer{}, fault.BadPadding
	}
	return t, nil
}

// finalContent makes step 21 for the final chunk, chunk i, and gives the part of the content that lies in it.
func (t trailer) finalContent(plaintext []byte, i int64, chunkLength int) ([]byte, error) {
	n := max(0, t.contentLength-i*int64(chunkLength))
	if !allZero(plaintext[n : len(plaintext)-trailerLength]) {
		return nil, fault.BadPadding
	}
	return plaintext[:n], nil
}

// plaintextLength is len(P) of an object with that trailer.
func plaintextLength(t trailer, chunkLength int64) int64 {
	length := t.contentLength + trailerLength
	if t.padded {
		length = padme(length)
	}
	if r := length % chunkLength; r < trailerLength {
		return length - r + trailerLength
	}
	return length
}

func padme(length int64) int64 {
	e := bits.Len64(uint64(length)) - 1
	mask := int64(1)<<(e-bits.Len(uint(e))) - 1
	return (length + mask) &^ mask
}

func allZero(b []byte) bool {
	for _, x := range b {
		if x != 0 {
			return false
		}
	}
	return true
}
