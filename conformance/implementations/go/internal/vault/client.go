// Package vault is a client of a Backup Key Vault: opaque.md, channel.md, fleet.md, exchange.md and client.md of spec/.
package vault

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"strongroom/internal/fault"
	"strongroom/internal/wire"
)

const (
	maxAnswer = 4096
	maxTries  = 3
)

// Config is what a client is made of.
type Config struct {
	URL     string
	Pins    Pins
	Account string
	// State is the folder for what the client remembers, and for its journal: private, durable storage.
	State string
	// Floor is the least stretching that is taken: that of this package, except in a test.
	Floor Stretch
	// Timeout ends one exchange; 0 takes 15 seconds.
	Timeout time.Duration
}

// Client speaks for one account to one fleet, in one session.
type Client struct {
	config     Config
	account    []byte
	store      store
	http       *http.Client
	descriptor *Descriptor
	last       *Statement
}

// NewClient checks what the client is made of. Errors: insecure-url, invalid-config.
func NewClient(config Config) (*Client, error) {
	account := []byte(config.Account)
	if err := config.Pins.Check(); err != nil {
		return nil, err
	}
	if len(config.Pins.FleetID) != 16 || len(account) < 1 || len(account) > 64 || !utf8.Valid(account) {
		return nil, fault.InvalidConfig
	}
	if err := checkURL(config.URL); err != nil {
		return nil, err
	}
	if config.Timeout == 0 {
		config.Timeout = 15 * time.Second
	}
	store, err := openStore(config.State, config.Pins.FleetID, account)
	// A transport of its own: no proxy of the environment is asked, and no encoding is undone.
	transport := &http.Transport{DisableCompression: true, ForceAttemptHTTP2: true}
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Client{
		config: config, account: account, store: store,
		http: &http.Client{Transport: transport, CheckRedirect: stay, Timeout: config.Timeout},
	}, err
}

func checkURL(text string) error {
	u, err := url.Parse(text)
	if err != nil || u.User != nil || strings.ContainsAny(text, "?#") {
		return fault.InsecureURL
	}
	ip := net.ParseIP(u.Hostname())
	loopback := u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
	if u.Host == "" || u.Scheme != "https" && !(u.Scheme == "http" && loopback) {
		return fault.InsecureURL
	}
	return nil
}

// Close ends the session.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Last is the newest verified answer of the session, or nil.
func (c *Client) Last() *Statement { return c.last }

// Shown remembers that the owner was shown a report.
func (c *Client) Shown(r Report) error {
	return update(c.store, c.store.account, func(m *memory) error {
		m.ReportShown = max(m.ReportShown, r.Serial)
		return nil
	})
}

// begin verifies the descriptor before the first request of the session.
func (c *Client) begin() error {
	if c.descriptor != nil {
		return nil
	}
	signed, err := c.fetch(http.MethodGet, "/v1/fleet", nil, maxDescriptor)
	if err != nil {
		return err
	}
	var d *Descriptor
	err = update(c.store, c.store.fleet, func(last *Seen) (err error) {
		if d, err = VerifyDescriptor(signed, c.config.Pins, uint64(time.Now().Unix()), *last); err == nil {
			*last = d.Seen
		}
		return err
	})
	if err == nil {
		c.descriptor = d
	}
	return err
}

// fetch sends a request until there is an answer, and gives its body. Errors: unavailable.
func (c *Client) fetch(method, path string, body []byte, most int64) ([]byte, error) {
	for range maxTries {
		if answer, err := c.try(method, path, body, most); err == nil {
			return answer, nil
		}
	}
	return nil, fault.Unavailable
}

func (c *Client) try(method, path string, body []byte, most int64) ([]byte, error) {
	address, err := url.JoinPath(c.config.URL, path)
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequest(method, address, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/octet-stream")
	}
	response, err := c.http.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	kind, _, _ := mime.ParseMediaType(response.Header.Get("Content-Type"))
	if response.StatusCode != http.StatusOK || kind == "application/problem+json" {
		return nil, fault.Unavailable
	}
	answer, err := io.ReadAll(io.LimitReader(response.Body, most+1))
	if int64(len(answer)) > most {
		return nil, fault.Unavailable
	}
	return answer, err
}

// ask makes a request and gives the verified answer, whatever its outcome.
// Errors: unavailable, bad-answer, stale-answer, state-damaged.
func (c *Client) ask(command command, body []byte, prove proof) (*Statement, error) {
	if err := c.begin(); err != nil {
		return nil, err
	}
	proof, err := prove(command, body)
	if err != nil {
		return nil, err
	}
	request, err := encodeRequest(c.descriptor.FleetID, c.account, command, body, proof)
	if err != nil {
		return nil, err
	}
	sealed, err := c.descriptor.sealRequest(request)
	if err != nil {
		return nil, err
	}
	exchange, err := new(wire.Encoder).Uint(1, 1).Uint(1, 0).Bytes(make([]byte, 192)).Vector(1, 3072, sealed.bytes).End()
	if err != nil {
		return nil, err
	}
	answer, err := c.fetch(http.MethodPost, "/v1/exchange", exchange, maxAnswer)
	if err != nil {
		return nil, err
	}
	s, err := c.verify(sealed, answer)
	if err == nil {
		c.last = s
	}
	return s, err
}

// verify makes the steps of "Asking" in client.md on what came back.
func (c *Client) verify(sealed *sealedRequest, answer []byte) (*Statement, error) {
	plaintext, err := sealed.openAnswer(answer)
	if err != nil {
		return nil, err
	}
	s, signed, receiptKey, signature, err := decodeAnswer(plaintext)
	if err != nil || !c.descriptor.verifyReceipt(receiptKey, signed, signature) {
		return nil, fault.BadAnswer
	}
	sameAccount := bytes.Equal(s.account, c.account) || s.outcome == outcomeMalformed && len(s.account) == 0
	if s.version != 1 || !bytes.Equal(s.fleetID, c.descriptor.FleetID) || !bytes.Equal(s.requestHash, sealed.hash[:]) ||
		!sameAccount || s.Remaining > s.Budget {
		return nil, fault.BadAnswer
	}
	if (s.outcome == outcomeMalformed || s.outcome == outcomeNotAuthorised) && s.StateVersion == 0 {
		return s, nil
	}
	return s, update(c.store, c.store.account, func(m *memory) error {
		if s.StateVersion < m.StateVersion {
			return fault.StaleAnswer
		}
		m.StateVersion = s.StateVersion
		return nil
	})
}

// read decodes the body of an ok answer; any other outcome is an error. Errors: bad-answer, and the outcomes.
func read[T any](s *Statement, err error, decode func(*wire.Decoder) T) (T, error) {
	var none T
	if err != nil {
		return none, err
	}
	if err := s.err(); err != nil {
		return none, err
	}
	d := wire.Decode(s.body)
	value := decode(d)
	if d.End() != nil {
		return none, fault.BadAnswer
	}
	return value, nil
}

// ownerProof proves that the owner has a backup key.
func (c *Client) ownerProof(backupKey []byte) proof {
	return func(command command, body []byte) ([]byte, error) {
		signature, err := OwnerSignature(backupKey, c.config.Pins.FleetID, c.account, uint8(command), body)
		return append([]byte{2}, signature...), err
	}
}

func is(err error, code fault.Code) bool { return errors.Is(err, code) }
