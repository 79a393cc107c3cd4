package container

import (
	"crypto/sha256"
	"io"
	"math"

	"strongroom/internal/fault"
)

const maxNumber = 1<<53 - 1

// Source gives any part of an object, and says how long the object is. Its errors are codes.
type Source interface {
	Size() (int64, error)
	// Part is object[start:end], or less if the object ends before.
	Part(start, end int64) (io.ReadCloser, error)
}

// Known is what an authenticated source has told of an object. Nil fields are not known.
type Known struct {
	ObjectLength, ContentLength *int64
	// Header is prefix and commitment of the object, one after the other.
	Header []byte
}

// RangeReader reads ranges of one object. It keeps what it has learned of it between ranges, and is not for use
// by several goroutines at the same time.
type RangeReader struct {
	source  Source
	known   Known
	header  header
	probe   *Probe
	content int64
	length  int64
}

// Probe is what the end of an object says.
type Probe struct {
	ContentLength, ObjectLength int64
	Padded                      bool
}

// OpenRanges reads the header of an object: step 1 of the pre-flight. Errors: those of steps 1 to 12 of Reading,
// truncated, invalid-key, limit-exceeded, io.
func OpenRanges(key Key, context []byte, source Source, known Known) (*RangeReader, error) {
	if len(key) != 32 {
		return nil, fault.InvalidKey
	}
	if len(context) > math.MaxUint16 {
		return nil, fault.LimitExceeded
	}
	r := &RangeReader{source: source, known: known}
	b := known.Header
	if b == nil {
		var err error
		if b, err = r.part(0, MaxHeader); err != nil {
			return nil, err
		}
	} else {
		check := sha256.Sum256(b)
		b = append(b[:len(b):len(b)], check[:8]...)
	}
	if err := checkFixed(b[:min(16, len(b))]); err != nil {
		return nil, err
	}
	if len(b) < 16 || len(b) < headerLength(b) {
		return nil, fault.Truncated
	}
	var err error
	r.header, err = checkWhole(b[:headerLength(b)], key, context)
	return r, err
}

// Probe makes steps 2 to 8 of the pre-flight. Errors: those of the steps, io.
func (r *RangeReader) Probe() (Probe, error) {
	if r.probe != nil {
		return *r.probe, nil
	}
	size, err := r.source.Size()
	if err != nil {
		return Probe{}, err
	}
	r.length = size
	if l := r.known.ObjectLength; l != nil && r.length > *l {
		return Probe{}, fault.TrailingData
	} else if l != nil && r.length < *l {
		return Probe{}, fault.Truncated
	}
	full := int64(r.header.engine.ChunkLength + tagLength)
	payload := r.length - int64(r.header.length)
	if payload < 0 || payload%full < trailerLength+tagLength {
		return Probe{}, fault.Truncated
	}
	n := payload / full
	if n > maxPlaintext/int64(r.header.engine.ChunkLength) {
		return Probe{}, fault.LimitExceeded
	}
	sealed, err := r.part(r.length-payload%full, r.length)
	if err != nil {
		return Probe{}, err
	}
	if int64(len(sealed)) < payload%full {
		return Probe{}, fault.Truncated
	}
	t, _, err := r.openFinal(sealed, n)
	if err != nil {
		return Probe{}, err
	}
	r.probe = &Probe{t.contentLength, r.length, t.padded}
	r.content = t.contentLength
	return *r.probe, nil
}

// openFinal makes steps 7 and 8 of the pre-flight, and gives the part of the content in the final chunk.
func (r *RangeReader) openFinal(sealed []byte, n int64) (trailer, []byte, error) {
	plaintext, err := r.header.engine.Open(nil, uint64(n), sealed)
	if err != nil {
		return trailer{}, nil, err
	}
	if len(plaintext) < trailerLength {
		return trailer{}, nil, fault.BadTrailer
	}
	t, err := checkTrailer(plaintext, n, r.header.engine.ChunkLength)
	if err != nil {
		return t, nil, err
	}
	content, err := t.finalContent(plaintext, n, r.header.engine.ChunkLength)
	if err == nil && r.known.ContentLength != nil && *r.known.ContentLength != t.contentLength {
		err = fault.ObjectMismatch
	}
	return t, content, err
}

// part is object[start:end], or as much of it as is there.
func (r *RangeReader) part(start, end int64) ([]byte, error) {
	part, err := r.source.Part(start, end)
	if err != nil {
		return nil, err
	}
	defer part.Close()
	return io.ReadAll(io.LimitReader(part, end-start))
}

// Read writes content[offset : offset+length] to sink. Errors: those of the pre-flight, bad-range, chunk-damaged.
func (r *RangeReader) Read(offset, length int64, sink io.Writer) error {
	if offset < 0 || length < 0 || offset > maxNumber || length > maxNumber-offset {
		return fault.BadRange
	}
	if r.known.ObjectLength != nil && r.known.ContentLength != nil {
		r.length, r.content = *r.known.ObjectLength, *r.known.ContentLength
	} else if _, err := r.Probe(); err != nil {
		return err
	}
	if offset+length > r.content {
		return fault.BadRange
	}
	if length == 0 {
		return nil
	}
	plan := PlanRange(r.header.length, r.header.engine.ChunkLength, r.length, offset, length)
	if plan.End <= plan.Start {
		return fault.Truncated
	}
	part, err := r.source.Part(plan.Start, plan.End)
	if err != nil {
		return err
	}
	defer part.Close()
	for i := plan.First; i <= plan.Last; i++ {
		content, err := r.chunk(part, i)
		if err != nil {
			return err
		}
		start := i * int64(r.header.engine.ChunkLength)
		from, to := max(0, offset-start), min(int64(len(content)), offset+length-start)
		if _, err := sink.Write(content[min(from, to):to]); err != nil {
			return fault.IO
		}
	}
	return nil
}

// chunk opens chunk i from the rest of a part, and gives the content that lies in it.
func (r *RangeReader) chunk(part io.Reader, i int64) ([]byte, error) {
	full := int64(r.header.engine.ChunkLength + tagLength)
	length := min(full, r.length-int64(r.header.length)-i*full)
	sealed := make([]byte, max(0, length))
	if _, err := io.ReadFull(part, sealed); err == io.EOF || err == io.ErrUnexpectedEOF || length <= 0 {
		return nil, fault.Truncated
	} else if err != nil {
		return nil, err
	}
	if length == full {
		return r.header.engine.Open(sealed[:0], uint64(i), sealed)
	}
	_, content, err := r.openFinal(sealed, i)
	return content, err
}

// Plan is what of an object has to be read for a range: chunks First to Last, which are object[Start:End].
type Plan struct{ First, Last, Start, End int64 }

// PlanRange makes step 4 of reading a range, for a length above 0.
func PlanRange(headerLength, chunkLength int, objectLength, offset, length int64) Plan {
	c, h := int64(chunkLength), int64(headerLength)
	first, last := offset/c, (offset+length-1)/c
	return Plan{first, last, h + first*(c+tagLength), min(h+(last+1)*(c+tagLength), objectLength)}
}
