// Package container reads keys and sealed objects (spec/keys.md, spec/container.md).
package container

import (
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"strongroom/internal/fault"
)

// Label is label(name) of spec/conventions.md.
func Label(name string) string { return "strongroom/v1/" + name + "\x00" }

// Derive gives derive(label, length) of a backup key of 32 bytes. Errors: invalid-key.
func Derive(backupKey []byte, label string, length int) ([]byte, error) {
	if len(backupKey) != 32 {
		return nil, fault.InvalidKey
	}
	return hkdf.Expand(sha256.New, backupKey, Label(label), length)
}

// FormatRecoveryKey prints a backup key in sixteen groups of four digits. Errors: invalid-key.
func FormatRecoveryKey(backupKey []byte) (string, error) {
	if len(backupKey) != 32 {
		return "", fault.InvalidKey
	}
	digits := hex.EncodeToString(backupKey)
	groups := make([]string, 16)
	for i := range groups {
		groups[i] = digits[4*i : 4*i+4]
	}
	return strings.Join(groups, " "), nil
}

// ParseRecoveryKey reads a recovery key as people type it. Errors: fault.RecoveryKey.
func ParseRecoveryKey(text string) ([]byte, error) {
	digits := make([]byte, 0, 64)
	position := 0
	for _, r := range text {
		position++
		switch {
		case r == ' ' || r == '-':
			continue
		case (r < '0' || r > '9') && (r < 'a' || r > 'f') && (r < 'A' || r > 'F'), len(digits) == 64:
			return nil, fault.RecoveryKey{Position: position}
		}
		digits = append(digits, byte(r))
	}
	if len(digits) < 64 {
		return nil, fault.RecoveryKey{Position: position + 1}
	}
	return hex.DecodeString(string(digits))
}
