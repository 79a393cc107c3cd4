// Strongroom adapter: reads one request a line from stdin, writes one answer a line to stdout.
package main

import (
	"encoding/json"
	"os"
	"strings"
)

const hello = `{"protocol": 1, "implementation": {"name": "my-reader", "version": "0.1.0", "language": "Go"},
	"testing": false, "roles": ["container-reader"], "suites": [1], "features": ["container"]}`

type answer map[string]any
type request struct {
	ID, Op string
	Params struct{ Key, Object, Context, Sink string }
}

func open(r request) answer {
	if !strings.HasPrefix("8953424f0d0a1a0a", r.Params.Object[:min(16, len(r.Params.Object))]) {
		return answer{"id": r.ID, "outcome": "reject", "error": "not-an-object"}
	}
	// Your reader goes on here. It appends content to the file r.Params.Sink as it releases it, and ends with "ok"
	// and "result": {"type": "blob", "contentLength": 5}, or "reject". Until then, the honest answer:
	return answer{"id": r.ID, "outcome": "unsupported", "feature": r.Op}
}

func main() {
	in, out := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)
	for r := (request{}); in.Decode(&r) == nil; r = (request{}) {
		switch r.Op {
		case "hello":
			out.Encode(answer{"id": r.ID, "outcome": "ok", "result": json.RawMessage(hello)})
		case "container.open":
			out.Encode(open(r))
		default:
			out.Encode(answer{"id": r.ID, "outcome": "unsupported", "feature": r.Op})
		}
	}
}
