package vault

import (
	"errors"
	"strings"
	"testing"

	"strongroom/internal/fault"
)

// OPQ-8: what the six steps allow, and what they change.
func TestAllowedPasswords(t *testing.T) {
	for text, prepared := range map[string]string{
		" a\u00a0b\u3000":          " a b ",
		"e\u0301":                  "\u00e9",
		"l\u00b7l":                 "l\u00b7l",
		"\u0375\u03b1":             "\u0375\u03b1",
		"\u05d0\u05f3\u05d0\u05f4": "\u05d0\u05f3\u05d0\u05f4",
		"\u30fb\u30ab":             "\u30fb\u30ab",
		"\u0660\u0669":             "\u0660\u0669",
		"\u06f0\u06f9":             "\u06f0\u06f9",
		"\u1100":                   "invalid",
		"\uac00":                   "\uac00",
		strings.Repeat("x", 65535): strings.Repeat("x", 65535),
		"l\u00b7":                  "invalid",
		"\u00b7l":                  "invalid",
		"L\u00b7L":                 "invalid",
		"\u0375a":                  "invalid",
		"\u05f3\u05d0":             "invalid",
		"a\u05f4":                  "invalid",
		"\u30fba":                  "invalid",
		"\u0660\u06f0":             "invalid",
		"\u06f9\u0669":             "invalid",
		"\u0640":                   "invalid",
		"\u3031":                   "invalid",
		"a\u034fb":                 "invalid", // combining grapheme joiner, category Mn
		"\u3164":                   "invalid", // Hangul filler, category Lo
		"\u263a\ufe0f":             "invalid", // variation selector
		"\U000e0100":               "invalid",
		"a\u200db":                 "invalid",
		"a\u200cb":                 "invalid",
		"\u0378":                   "invalid", // not assigned
		"a\u2028b":                 "invalid",
		"\xff":                     "invalid",
		"\xed\xa0\x80":             "invalid", // a surrogate
		strings.Repeat("x", 65536): "invalid",
		"":                         "invalid",
	} {
		got, err := PreparePassword([]byte(text))
		if prepared == "invalid" && !errors.Is(err, fault.InvalidPassword) || prepared != "invalid" && string(got) != prepared {
			t.Errorf("%.20q: %.20q, %v", text, got, err)
		}
	}
}
