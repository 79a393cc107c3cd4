package vault

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"strongroom/internal/fault"
)

func newStore(t *testing.T) store {
	t.Helper()
	s, err := openStore(t.TempDir(), make([]byte, 16), []byte("alice"))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// CLI-45: eight sessions add up to what they all did, so none has written over what another had written.
func TestSessionsWriteAtOnce(t *testing.T) {
	s := newStore(t)
	var sessions sync.WaitGroup
	for range 8 {
		sessions.Go(func() {
			for range 20 {
				if err := update(s, s.account, func(m *memory) error { m.StateVersion++; return nil }); err != nil {
					t.Error(err)
				}
			}
		})
	}
	sessions.Wait()
	var m memory
	if _, err := readFile(s.account, &m); err != nil || m.StateVersion != 160 {
		t.Errorf("state version %d, error %v", m.StateVersion, err)
	}
}

// CLI-7: what cannot be read stops the client, and stays as it is.
func TestDamagedState(t *testing.T) {
	for _, text := range []string{"", "null", "{}", `{"version":1}`, `{"version":2,"content":{}}`, `{"version":1,"content":{"stateVersion":-1}}`} {
		s := newStore(t)
		if err := os.WriteFile(s.account, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		err := update(s, s.account, func(m *memory) error { m.StateVersion = 9; return nil })
		if left, _ := os.ReadFile(s.account); !errors.Is(err, fault.StateDamaged) || string(left) != text {
			t.Errorf("%q: %v, and then %q", text, err, left)
		}
	}
}

// CLI-46: neither a write nor an erasure leaves anything of a write that was cut off. The entry is for its owner alone.
func TestJournal(t *testing.T) {
	s := newStore(t)
	cutOff := func() {
		if err := os.WriteFile(s.journal+".new", []byte("half of a key"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	expectFiles := func(count int) {
		t.Helper()
		if left, _ := filepath.Glob(s.journal + "*"); len(left) != count {
			t.Errorf("files: %v", left)
		}
	}
	if e, err := s.readEntry(); e != nil || err != nil {
		t.Fatal(e, err)
	}
	for range 2 {
		if err := s.writeEntry(&entry{Phase: begun, BackupKey: make([]byte, 32)}); err != nil {
			t.Fatal(err)
		}
		expectFiles(1)
		if e, err := s.readEntry(); err != nil || e.Phase != begun || len(e.BackupKey) != 32 {
			t.Error(e, err)
		}
		if info, err := os.Stat(s.journal); err != nil || info.Mode().Perm() != 0o600 {
			t.Error(info.Mode(), err)
		}
		cutOff()
	}
	if err := s.eraseEntry(); err != nil {
		t.Fatal(err)
	}
	expectFiles(0)
}
