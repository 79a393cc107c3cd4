package container

import (
	"io"
	"math"

	"strongroom/internal/fault"
)

// Info is what a whole object says of itself.
type Info struct {
	Type          Type
	ContentLength int64
}

// Options are what a reader can be told of an object.
type Options struct {
	// Context is the byte string to which the application has bound the object.
	Context []byte
	// Length is that of the object, from an authenticated source, or nil.
	Length *int64
}

// Reader opens a sealed object that is written to it, in pieces of any length. What it writes to its sink is
// authentic, but provisional until Finish has returned without an error: the object may turn out to be cut.
// It holds one chunk. After an error every call gives that error again.
type Reader struct {
	sink     io.Writer
	key      Key
	context  []byte
	length   int64 // of the object; MaxInt64 if it is not known
	seen     int64 // bytes of the object that were taken
	header   header
	have     []byte // of the header, then of the present chunk
	index    int64
	zeros    int64 // at the end of the chunks so far, held back because they may be padding
	released int64
	err      error
}

// NewReader takes an object key of 32 bytes and where the content goes. Errors: invalid-key, limit-exceeded.
func NewReader(key Key, sink io.Writer, o Options) (*Reader, error) {
	if len(key) != 32 {
		return nil, fault.InvalidKey
	}
	if len(o.Context) > math.MaxUint16 {
		return nil, fault.LimitExceeded
	}
	r := &Reader{sink: sink, key: key, context: o.Context, length: math.MaxInt64}
	if o.Length != nil {
		r.length = *o.Length
	}
	return r, nil
}

// Write takes the next bytes of the object.
func (r *Reader) Write(piece []byte) (int, error) {
	if r.err == nil {
		r.err = r.write(piece)
	}
	if r.err != nil {
		return 0, r.err
	}
	return len(piece), nil
}

func (r *Reader) write(piece []byte) error {
	within := piece[:min(int64(len(piece)), r.length-r.seen)]
	r.seen += int64(len(within))
	if err := r.take(within); err != nil {
		return err
	}
	if len(within) < len(piece) {
		return fault.TrailingData
	}
	return nil
}

// take makes steps 1 to 13.
func (r *Reader) take(piece []byte) error {
	for len(piece) > 0 {
		piece = piece[r.fill(piece):]
		switch {
		case r.header.length == 0:
			if err := r.takeHeader(); err != nil {
				return err
			}
		case len(r.have) == cap(r.have):
			if err := r.takeChunk(); err != nil {
				return err
			}
		}
	}
	return nil
}

// fill moves what is still wanted of the piece to have, and says how much that was.
func (r *Reader) fill(piece []byte) int {
	want := cap(r.have)
	if r.header.length == 0 {
		want = 16
		if len(r.have) >= 16 {
			want = headerLength(r.have)
		}
	}
	n := min(len(piece), want-len(r.have))
	r.have = append(r.have, piece[:n]...)
	return n
}

func (r *Reader) takeHeader() (err error) {
	if len(r.have) <= 16 {
		return checkFixed(r.have)
	}
	if len(r.have) < headerLength(r.have) {
		return nil
	}
	if r.header, err = checkWhole(r.have, r.key, r.context); err != nil {
		return err
	}
	r.have = make([]byte, 0, r.header.engine.ChunkLength+tagLength)
	return nil
}

func (r *Reader) takeChunk() error {
	if (r.index+1)*int64(r.header.engine.ChunkLength) > maxPlaintext {
		return fault.LimitExceeded
	}
	plaintext, err := r.header.engine.Open(r.have[:0], uint64(r.index), r.have)
	if err != nil {
		return err
	}
	r.index++
	r.have = r.have[:0]
	end := len(plaintext)
	for end > 0 && plaintext[end-1] == 0 {
		end--
	}
	if end > 0 {
		if err := r.releaseZeros(r.zeros); err != nil {
			return err
		}
		if err := r.release(plaintext[:end]); err != nil {
			return err
		}
		r.zeros = 0
	}
	r.zeros += int64(len(plaintext) - end)
	return nil
}

// Finish says that the object ends here. Only what it returns without an error makes the content whole.
func (r *Reader) Finish() (Info, error) {
	if r.err != nil {
		return Info{}, r.err
	}
	info, err := r.finish()
	if r.err = err; err == nil {
		r.err = fault.Closed
	}
	return info, err
}

// finish makes steps 15 to 22.
func (r *Reader) finish() (Info, error) {
	known := r.length != math.MaxInt64
	if r.header.length == 0 || known && r.seen != r.length || len(r.have) < trailerLength+tagLength {
		return Info{}, fault.Truncated
	}
	chunk := r.header.engine.ChunkLength
	plaintext, err := r.header.engine.Open(r.have[:0], uint64(r.index), r.have)
	if err != nil {
		return Info{}, err
	}
	t, err := checkTrailer(plaintext, r.index, chunk)
	if err != nil {
		return Info{}, err
	}
	rest, err := t.finalContent(plaintext, r.index, chunk)
	if err != nil {
		return Info{}, err
	}
	if r.released > t.contentLength {
		return Info{}, fault.BadPadding
	}
	if err := r.releaseZeros(t.contentLength - int64(len(rest)) - r.released); err != nil {
		return Info{}, err
	}
	return Info{r.header.kind, t.contentLength}, r.release(rest)
}

func (r *Reader) release(content []byte) error {
	r.released += int64(len(content))
	if _, err := r.sink.Write(content); err != nil {
		return fault.IO
	}
	return nil
}

func (r *Reader) releaseZeros(count int64) error {
	block := make([]byte, min(count, 1<<14))
	for ; count > 0; count -= int64(len(block)) {
		block = block[:min(count, int64(len(block)))]
		if err := r.release(block); err != nil {
			return err
		}
	}
	return nil
}
