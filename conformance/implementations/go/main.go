// Adapter of the Go implementation: reads one request a line from standard input, and writes one answer a line
// to standard output (spec/conformance.md, "Adapter protocol").
package main

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"strongroom/internal/fault"
)

// operation answers a request from its parameters. An error that is a code refuses the input.
type operation func(params json.RawMessage) (any, error)

type result map[string]any

var operations = map[string]operation{
	"hello": op(hello),

	"keys.parse-recovery-key":  op(parseRecoveryKey),
	"keys.format-recovery-key": op(formatRecoveryKey),
	"keys.derive":              op(derive),
	"container.open":           op(openObject),
	"container.after-end":      op(afterEnd),
	"container.sweep":          op(sweep),
	"engine.open":              op(openChunk),
	"file.open":                op(openFile),
	"range.probe":              op(probe),
	"range.read":               op(readRange),
	"range.read-many":          op(readRanges),
	"range.plan":               op(planRanges),

	"opaque.prepare-password":     op(preparePassword),
	"opaque.check-stretch":        op(checkStretch),
	"opaque.registration-request": op(registrationRequest),
	"opaque.registration-record":  op(registrationRecord),
	"opaque.ke1":                  op(ke1),
	"opaque.ke3":                  op(ke3),
	"opaque.seal-key":             op(sealKey),
	"opaque.open-key":             op(openKey),
	"fleet.verify":                op(verifyFleet),
	"owner.sign":                  op(ownerSign),
	"client.run":                  op(runClient),
}

func hello(struct{}) (result, error) {
	return result{
		"protocol":       1,
		"implementation": result{"name": "strongroom-go", "version": "1.0.0", "language": "Go"},
		"testing":        true,
		"roles":          []string{"container-reader", "vault-client"},
		"suites":         []int{1},
		"features": []string{
			"keys", "container", "sweep", "engine", "files", "ranges", "http-ranges",
			"client", "fleet", "owner", "opaque-client",
		},
	}, nil
}

func op[P, R any](run func(P) (R, error)) operation {
	return func(raw json.RawMessage) (any, error) {
		var params P
		if err := json.Unmarshal(raw, &params); err != nil {
			return nil, err
		}
		return run(params)
	}
}

// data is bytes that are hexadecimal text in JSON.
type data []byte

func (d data) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, d), nil }

func (d *data) UnmarshalText(text []byte) (err error) {
	*d, err = hex.AppendDecode(make([]byte, 0, len(text)/2), text)
	return err
}

type answer struct {
	ID       string `json:"id"`
	Outcome  string `json:"outcome"`
	Result   any    `json:"result,omitempty"`
	Error    string `json:"error,omitempty"`
	Position int    `json:"position,omitempty"`
	Feature  string `json:"feature,omitempty"`
	Detail   string `json:"detail,omitempty"`
}

func handle(id, name string, params json.RawMessage) answer {
	run, known := operations[name]
	if !known {
		return answer{ID: id, Outcome: "unsupported", Feature: name}
	}
	value, err := run(params)
	var refused fault.Code
	var typed fault.RecoveryKey
	switch {
	case err == nil:
		return answer{ID: id, Outcome: "ok", Result: value}
	case errors.As(err, &refused):
		return answer{ID: id, Outcome: "reject", Error: string(refused)}
	case errors.As(err, &typed):
		return answer{ID: id, Outcome: "reject", Error: typed.Error(), Position: typed.Position}
	default:
		return answer{ID: id, Outcome: "error", Detail: err.Error()}
	}
}

func main() {
	in, out := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)
	for in.More() {
		var request struct {
			ID, Op string
			Params json.RawMessage
		}
		err := in.Decode(&request)
		if err == nil {
			err = out.Encode(handle(request.ID, request.Op, request.Params))
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}
