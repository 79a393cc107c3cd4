// Package wire encodes and decodes structures in the presentation language of spec/conventions.md.
package wire

import (
	"strongroom/internal/fault"
)

const maxNumber = 1<<53 - 1

// Decoder takes fields off the front of a structure. After the first field that does not decode it gives zeros,
// and End gives the error.
type Decoder struct {
	rest []byte
	bad  bool
}

// Decode begins with the first field of a structure.
func Decode(b []byte) *Decoder { return &Decoder{rest: b} }

// Bytes takes n bytes.
func (d *Decoder) Bytes(n int) []byte {
	if d.bad || len(d.rest) < n {
		d.bad = true
		return make([]byte, n)
	}
	b := d.rest[:n:n]
	d.rest = d.rest[n:]
	return b
}

// Uint takes a number of size bytes; one of 8 bytes is at most 2^53 - 1.
func (d *Decoder) Uint(size int) (n uint64) {
	for _, b := range d.Bytes(size) {
		n = n<<8 | uint64(b)
	}
	d.Check(n <= maxNumber)
	return n
}

// Enum takes one byte from first to last.
func (d *Decoder) Enum(first, last uint8) uint8 {
	n := uint8(d.Uint(1))
	d.Check(first <= n && n <= last)
	return n
}

// Vector takes a vector of least to most bytes.
func (d *Decoder) Vector(least, most int) []byte {
	n := int(d.Uint(width(most)))
	d.Check(least <= n && n <= most)
	if d.bad {
		return nil
	}
	return d.Bytes(n)
}

// Each calls item with a decoder for the items of a vector until that is empty.
func (d *Decoder) Each(least, most int, item func(*Decoder)) {
	items := Decode(d.Vector(least, most))
	for len(items.rest) > 0 && !items.bad {
		item(items)
	}
	d.bad = d.bad || items.bad
}

// Check notes that the structure is not valid unless ok holds.
func (d *Decoder) Check(ok bool) { d.bad = d.bad || !ok }

// Left is how many bytes are left.
func (d *Decoder) Left() int { return len(d.rest) }

// Rest takes everything that is left.
func (d *Decoder) Rest() []byte { return d.Bytes(len(d.rest)) }

// End says whether all fields decoded and nothing is left. Errors: malformed.
func (d *Decoder) End() error {
	if d.bad || len(d.rest) > 0 {
		return fault.Malformed
	}
	return nil
}

// Zeros takes the padding of a padded structure: all the rest.
func (d *Decoder) Zeros() {
	for _, b := range d.Rest() {
		d.Check(b == 0)
	}
}

// Encoder puts fields one after the other. What does not fit its field is found by Bytes.
type Encoder struct {
	b   []byte
	bad bool
}

// Bytes puts bytes as they are.
func (e *Encoder) Bytes(b []byte) *Encoder {
	e.b = append(e.b, b...)
	return e
}

// Uint puts a number in size bytes.
func (e *Encoder) Uint(size int, n uint64) *Encoder {
	e.bad = e.bad || n > maxNumber || n>>(8*size) != 0
	for i := size - 1; i >= 0; i-- {
		e.b = append(e.b, byte(n>>(8*i)))
	}
	return e
}

// Vector puts a vector of least to most bytes.
func (e *Encoder) Vector(least, most int, b []byte) *Encoder {
	e.bad = e.bad || len(b) < least || len(b) > most
	return e.Uint(width(most), uint64(len(b))).Bytes(b)
}

// End gives the structure. Errors: malformed.
func (e *Encoder) End() ([]byte, error) {
	if e.bad {
		return nil, fault.Malformed
	}
	return e.b, nil
}

// width is how many bytes the length of a vector takes.
func width(most int) int {
	switch {
	case most < 1<<8:
		return 1
	case most < 1<<16:
		return 2
	case most < 1<<24:
		return 3
	}
	return 4
}
