package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"io"
	"os"

	"strongroom/internal/container"
	"strongroom/internal/fault"
)

type rangeParams struct {
	openParams
	URL            string
	ContentLength  *int64
	SourceLength   *int
	Header         *struct{ Prefix, Commitment data }
	Offset, Length json.Number
	Ranges         [][2]json.Number
}

// source is an object in memory that can lie about its length, and gives a few bytes at a time.
type source struct {
	object              []byte
	length, pieceLength int
}

func (s source) Size() (int64, error) { return int64(s.length), nil }

func (s source) Part(start, end int64) (io.ReadCloser, error) {
	start, end = min(start, int64(len(s.object))), min(end, int64(len(s.object)))
	return io.NopCloser(pieces{bytes.NewReader(s.object[start:end]), s.pieceLength}), nil
}

type pieces struct {
	rest   io.Reader
	length int
}

func (p pieces) Read(b []byte) (int, error) { return p.rest.Read(b[:min(len(b), p.length)]) }

func (p rangeParams) reader() (*container.RangeReader, error) {
	key, err := p.objectKey()
	if err != nil {
		return nil, err
	}
	known := container.Known{ObjectLength: p.ObjectLength, ContentLength: p.ContentLength}
	if p.Header != nil {
		known.Header = append(p.Header.Prefix, p.Header.Commitment...)
	}
	if p.URL != "" {
		return container.OpenRanges(key, p.Context, container.HTTPSource(p.URL), known)
	}
	s := source{p.Object, len(p.Object), cmp.Or(p.PieceLength, 1<<16)}
	if p.SourceLength != nil {
		s.length = *p.SourceLength
	}
	return container.OpenRanges(key, p.Context, s, known)
}

func probe(p rangeParams) (result, error) {
	reader, err := p.reader()
	if err != nil {
		return nil, err
	}
	found, err := reader.Probe()
	padding := map[bool]string{false: "none", true: "padme"}[found.Padded]
	return result{"contentLength": found.ContentLength, "padding": padding, "objectLength": found.ObjectLength}, err
}

// read reads one range. A number that is no int64 cannot be a place in a content.
func read(reader *container.RangeReader, offset, length json.Number, sink io.Writer) error {
	o, err := offset.Int64()
	if err != nil {
		return fault.BadRange
	}
	n, err := length.Int64()
	if err != nil {
		return fault.BadRange
	}
	return reader.Read(o, n, sink)
}

func readRange(p rangeParams) (result, error) {
	reader, err := p.reader()
	if err != nil {
		return nil, err
	}
	sink, err := os.OpenFile(p.Sink, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer sink.Close()
	var count counter
	err = read(reader, p.Offset, p.Length, io.MultiWriter(sink, &count))
	return result{"length": count}, err
}

func readRanges(p rangeParams) (result, error) {
	reader, err := p.reader()
	if err != nil {
		return nil, err
	}
	contents := make([]any, len(p.Ranges))
	for i, r := range p.Ranges {
		var content bytes.Buffer
		if err := read(reader, r[0], r[1], &content); err != nil {
			contents[i] = code(err)
		} else {
			contents[i] = data(content.Bytes())
		}
	}
	return result{"contents": contents}, nil
}

func planRanges(p struct {
	HeaderLength, ChunkLog2 int
	ObjectLength            int64
	Ranges                  [][2]int64
}) (result, error) {
	plans := make([]map[string]int64, len(p.Ranges))
	for i, r := range p.Ranges {
		plan := container.PlanRange(p.HeaderLength, 1<<p.ChunkLog2, p.ObjectLength, r[0], r[1])
		plans[i] = map[string]int64{"first": plan.First, "last": plan.Last, "start": plan.Start, "end": plan.End}
	}
	return result{"plans": plans}, nil
}
