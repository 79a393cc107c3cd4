package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"strongroom/internal/container"
)

func parseRecoveryKey(p struct{ Text string }) (result, error) {
	key, err := container.ParseRecoveryKey(p.Text)
	return result{"key": data(key)}, err
}

func formatRecoveryKey(p struct{ Key data }) (result, error) {
	text, err := container.FormatRecoveryKey(p.Key)
	return result{"text": text}, err
}

func derive(p struct {
	Key    data
	Label  string
	Length int
}) (result, error) {
	if !slices.Contains([]string{"object", "object-name", "key-check", "owner-key"}, p.Label) {
		return nil, fmt.Errorf("%q is no label of a key that is derived from the backup key", p.Label)
	}
	key, err := container.Derive(p.Key, p.Label, p.Length)
	return result{"key": data(key)}, err
}

type openParams struct {
	Key, ObjectKey, Object, Context data
	ObjectLength                    *int64
	PieceLength                     int
	Sink, Source, Target            string
}

func (p openParams) objectKey() (container.Key, error) {
	if p.ObjectKey != nil {
		return container.Key(p.ObjectKey), nil
	}
	return container.FromBackupKey(p.Key)
}

// open opens the object that source gives, in pieces of the length that is asked for.
func (p openParams) open(source io.Reader, sink io.Writer) (result, error) {
	key, err := p.objectKey()
	if err != nil {
		return nil, err
	}
	reader, err := container.NewReader(key, sink, container.Options{Context: p.Context, Length: p.ObjectLength})
	if err != nil {
		return nil, err
	}
	// A struct around the source hides its other methods, so that the buffer decides how long pieces are.
	if _, err := io.CopyBuffer(reader, struct{ io.Reader }{source}, make([]byte, cmp.Or(p.PieceLength, 1<<16))); err != nil {
		return nil, err
	}
	info, err := reader.Finish()
	return result{"type": info.Type.String(), "contentLength": info.ContentLength}, err
}

func openObject(p openParams) (result, error) {
	if p.Sink == "" {
		return p.open(bytes.NewReader(p.Object), io.Discard)
	}
	sink, err := os.OpenFile(p.Sink, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer sink.Close()
	return p.open(bytes.NewReader(p.Object), sink)
}

// openFile writes beside the target first, so that what is at the target is whole.
func openFile(p openParams) (result, error) {
	source, err := os.Open(p.Source)
	if err != nil {
		return nil, err
	}
	defer source.Close()
	target, err := os.CreateTemp(filepath.Dir(p.Target), ".opening-*")
	if err != nil {
		return nil, err
	}
	defer os.Remove(target.Name())
	defer target.Close()
	opened, err := p.open(source, target)
	if err != nil {
		return nil, err
	}
	return opened, errors.Join(target.Sync(), target.Close(), os.Rename(target.Name(), p.Target))
}

func code(err error) string {
	if err == nil {
		return "none"
	}
	return err.Error()
}

func afterEnd(p openParams) (result, error) {
	key, err := p.objectKey()
	if err != nil {
		return nil, err
	}
	reader, err := container.NewReader(key, io.Discard, container.Options{})
	if err != nil {
		return nil, err
	}
	if _, err = reader.Write(p.Object); err == nil {
		_, err = reader.Finish()
	}
	_, more := reader.Write([]byte{0})
	_, end := reader.Finish()
	return result{"first": code(err), "later": []string{code(more), code(end)}}, nil
}

type counter int

func (c *counter) Write(b []byte) (int, error) {
	*c += counter(len(b))
	return len(b), nil
}

// sweep opens the object once for each edit, and gives runs of edits with the same end.
func sweep(p struct {
	openParams
	Edit               string
	First, Step, Count int
}) (result, error) {
	type run struct {
		count    int
		code     string
		released counter
	}
	var runs []run
	for i := range p.Count {
		n := p.First + i*p.Step
		object, place, value := []byte(p.Object), 0, byte(0)
		switch p.Edit {
		case "flip":
			place, value = n/8, p.Object[n/8]^1<<(n%8)
		case "byte":
			place, value = n/256, byte(n%256)
		case "cut":
			object, value = object[:n], p.Object[0]
		}
		kept := p.Object[place]
		p.Object[place] = value
		var released counter
		_, err := p.open(bytes.NewReader(object), &released)
		p.Object[place] = kept
		if last := len(runs) - 1; last >= 0 && runs[last].code == code(err) && runs[last].released == released {
			runs[last].count++
		} else {
			runs = append(runs, run{1, code(err), released})
		}
	}
	listed := make([][]any, len(runs))
	for i, r := range runs {
		listed[i] = []any{r.count, r.code, r.released}
	}
	return result{"runs": listed}, nil
}

func openChunk(p struct {
	Key, BaseNonce, Sealed data
	ChunkLog2              int
	Index                  uint64
}) (result, error) {
	engine, err := container.NewEngine(p.Key, p.BaseNonce, p.ChunkLog2)
	if err != nil {
		return nil, err
	}
	plaintext, err := engine.Open(nil, p.Index, p.Sealed)
	return result{"plaintext": data(plaintext)}, err
}
