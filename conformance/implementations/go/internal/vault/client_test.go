package vault

import (
	"crypto/ed25519"
	"errors"
	"testing"

	"strongroom/internal/fault"
)

// CLI-8, and what errors.md says of insecure-url.
func TestAddresses(t *testing.T) {
	for text, secure := range map[string]bool{
		"https://vault.example":           true,
		"https://vault.example:8443/path": true,
		"http://127.0.0.1:8787":           true,
		"http://127.8.9.10":               true,
		"http://[::1]:8787":               true,
		"http://localhost":                true,
		"http://vault.example":            false,
		"http://127.0.0.1.vault.example":  false,
		"http://10.0.0.1":                 false,
		"http://0.0.0.0":                  false,
		"https://alice@vault.example":     false,
		"https://vault.example?a=b":       false,
		"https://vault.example?":          false,
		"https://vault.example#":          false,
		"ftp://127.0.0.1":                 false,
		"https://":                        false,
		"vault.example":                   false,
		"":                                false,
	} {
		if err := checkURL(text); (err == nil) != secure || err != nil && !errors.Is(err, fault.InsecureURL) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// CLI-3.
func TestPins(t *testing.T) {
	a, b := make(ed25519.PublicKey, 32), append(make(ed25519.PublicKey, 31), 1)
	for _, c := range []struct {
		signers   []ed25519.PublicKey
		threshold int
		valid     bool
	}{
		{[]ed25519.PublicKey{a, b}, 1, true},
		{[]ed25519.PublicKey{a, b}, 2, true},
		{[]ed25519.PublicKey{a, b}, 0, false},
		{[]ed25519.PublicKey{a, b}, 3, false},
		{[]ed25519.PublicKey{a, a}, 1, false},
		{nil, 0, false},
	} {
		if err := (Pins{Signers: c.signers, Threshold: c.threshold}).Check(); (err == nil) != c.valid {
			t.Errorf("%d of %d: %v", c.threshold, len(c.signers), err)
		}
	}
}
