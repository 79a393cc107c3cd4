package vault

import (
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"strongroom/internal/fault"
)

var (
	freeform = []*unicode.RangeTable{unicode.L, unicode.M, unicode.N, unicode.P, unicode.S}
	// Characters that FreeformClass leaves out of these categories: Default_Ignorable_Code_Point (other than format
	// characters, which are in none of them), Hangul jamo, and the exceptions of RFC 5892, section 2.6.
	disallowed = []*unicode.RangeTable{unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector, {
		R16: []unicode.Range16{
			{0x0640, 0x0640, 1}, {0x07fa, 0x07fa, 1}, {0x1100, 0x11ff, 1}, {0x302e, 0x302f, 1}, {0x3031, 0x3035, 1},
			{0x303b, 0x303b, 1}, {0xa960, 0xa97c, 1}, {0xd7b0, 0xd7fb, 1},
		},
	}}
)

// PreparePassword gives the bytes of a password as UTF-8: the OpaqueString of RFC 8265, without joiners.
// Errors: invalid-password.
func PreparePassword(text []byte) ([]byte, error) {
	if !utf8.Valid(text) {
		return nil, fault.InvalidPassword
	}
	runes := []rune(string(text))
	for i, r := range runes {
		if unicode.Is(unicode.Zs, r) {
			runes[i] = ' '
		}
	}
	prepared := norm.NFC.String(string(runes))
	runes = []rune(prepared)
	for i, r := range runes {
		allowed := r == ' ' || unicode.IsOneOf(freeform, r) && !unicode.IsOneOf(disallowed, r)
		if !allowed || !fitsContext(runes, i) {
			return nil, fault.InvalidPassword
		}
	}
	if len(prepared) == 0 || len(prepared) > 65535 {
		return nil, fault.InvalidPassword
	}
	return []byte(prepared), nil
}

// fitsContext applies rules A.3 to A.9 of RFC 5892 to character i.
func fitsContext(text []rune, i int) bool {
	at := func(j int) rune {
		if j < 0 || j >= len(text) {
			return -1
		}
		return text[j]
	}
	some := func(match func(rune) bool) bool {
		for _, r := range text {
			if match(r) {
				return true
			}
		}
		return false
	}
	switch r := text[i]; {
	case r == 0x00b7: // middle dot
		return at(i-1) == 'l' && at(i+1) == 'l'
	case r == 0x0375: // Greek lower numeral sign
		return unicode.Is(unicode.Greek, at(i+1))
	case r == 0x05f3 || r == 0x05f4: // Hebrew geresh, gershayim
		return unicode.Is(unicode.Hebrew, at(i-1))
	case r == 0x30fb: // Katakana middle dot
		return some(func(r rune) bool { return unicode.In(r, unicode.Hiragana, unicode.Katakana, unicode.Han) })
	case 0x0660 <= r && r <= 0x0669: // Arabic-Indic digits
		return !some(func(r rune) bool { return 0x06f0 <= r && r <= 0x06f9 })
	case 0x06f0 <= r && r <= 0x06f9: // extended Arabic-Indic digits
		return !some(func(r rune) bool { return 0x0660 <= r && r <= 0x0669 })
	}
	return true
}
