package container

import (
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"

	"strongroom/internal/fault"
)

const (
	// MaxHeader is the length of the longest header.
	MaxHeader = 88 + maxExtensions

	maxExtensions = 4096
	maxContent    = 1 << 40
	maxPlaintext  = 1<<40 + 1<<34 + 16
	magic         = "\x89SBO\r\n\x1a\n"
)

// Type is the type of an object.
type Type uint8

func (t Type) String() string { return [...]string{"", "manifest", "records", "blob"}[t] }

// Key opens objects: it is K_obj, the object key.
type Key []byte

// FromBackupKey gives the object key of a backup key. Errors: invalid-key.
func FromBackupKey(backupKey []byte) (Key, error) { return Derive(backupKey, "object", 32) }

// header is a header that has passed steps 1 to 12 of Reading, or less.
type header struct {
	kind   Type
	length int
	engine Engine
}

// checkFixed makes steps 1 to 7 of Reading on as many of the first 16 bytes as are there.
func checkFixed(b []byte) error {
	for i := range min(len(b), len(magic)) {
		if b[i] != magic[i] {
			return fault.NotAnObject
		}
	}
	if len(b) > 8 && b[8] != 1 {
		return fault.UnsupportedVersion
	}
	if len(b) > 9 && b[9] != 1 {
		return fault.UnsupportedSuite
	}
	if len(b) > 10 && b[10] != 14 && b[10] != 16 && b[10] != 18 && b[10] != 20 {
		return fault.UnsupportedChunkSize
	}
	if len(b) > 11 && (b[11] < 1 || b[11] > 3) {
		return fault.UnsupportedType
	}
	if len(b) > 14 && b[14] != 0 || len(b) > 15 && b[15] != 0 {
		return fault.ReservedNotZero
	}
	if len(b) > 15 && binary.BigEndian.Uint16(b[12:]) > maxExtensions {
		return fault.BadExtension
	}
	return nil
}

// headerLength is that of a header whose first 16 bytes have passed steps 1 to 7.
func headerLength(b []byte) int { return 88 + int(binary.BigEndian.Uint16(b[12:])) }

// checkWhole makes steps 8 to 12 of Reading on a whole header that has passed those before.
func checkWhole(b []byte, key Key, context []byte) (header, error) {
	prefix, commitment, check := b[:len(b)-40], b[len(b)-40:len(b)-8], b[len(b)-8:]
	if sum := sha256.Sum256(b[:len(b)-8]); string(sum[:8]) != string(check) {
		return header{}, fault.HeaderDamaged
	}
	if err := checkExtensions(prefix[48:]); err != nil {
		return header{}, err
	}
	info := Label("stream") + string(prefix) + string(binary.BigEndian.AppendUint16(nil, uint16(len(context)))) +
		string(context) + "\x00"
	okm, err := hkdf.Expand(sha256.New, key, info, 76)
	if err != nil {
		return header{}, err
	}
	if subtle.ConstantTimeCompare(okm[:32], commitment) != 1 {
		return header{}, fault.WrongKey
	}
	engine, err := NewEngine(okm[32:64], okm[64:], int(b[10]))
	return header{Type(b[11]), len(b), engine}, err
}

// checkExtensions makes steps 9 to 11, each on all extensions before the next.
func checkExtensions(area []byte) error {
	var types []uint16
	for len(area) > 0 {
		if len(area) < 4 || len(area)-4 < int(binary.BigEndian.Uint16(area[2:])) {
			return fault.BadExtension
		}
		types = append(types, binary.BigEndian.Uint16(area))
		area = area[4+int(binary.BigEndian.Uint16(area[2:])):]
	}
	for i := 1; i < len(types); i++ {
		if types[i] <= types[i-1] {
			return fault.BadExtension
		}
	}
	for _, t := range types {
		if t >= 0x8000 {
			return fault.UnknownCriticalExtension
		}
	}
	return nil
}
