/*
 * The counter of attempts: attempts.md ("Charge", "Wrong KE3", "Proof", "Last chance", "Races"), exchange.md ("Processing", "Recovery"),
 * storage.md ("Commit", "Start").
 *
 * One account with one live generation. Workers handle requests side by side, step by step; the vault crashes between any two steps;
 * whoever holds the disk puts back an older store while the vault is down; a sweeper ends last chances. The attacker may use every KE1,
 * repeat everything, and lose every answer. One KE1 is the owner's: its KE3 is right.
 *
 * Bounds: 2 workers and a sweeper, 3 KE1, BUDGET 2, CHARGES 4, CRASHES 1. Requests are unbounded.
 * Not here: cryptography, waits and the ledger, eviction of a fifth attempt, replacement (reset.pml), several accounts.
 */
#define KE1S    2
#define OWNER   0
#define BUDGET  2
#define CHARGES 3
#define CRASHES 1

mtype = { live, last_chance, destroyed, start, finish };

typedef Record {
  byte  n;           /* names this state of the record: the hash that a commit is conditional on */
  mtype phase;
  byte  charged;
  byte  seed[KE1S]   /* attempt_seed of the open attempt of a KE1; 0: none is open */
}

Record store;        /* what the disk holds */
Record before;       /* between the two durability points of a commit: what it held before */
byte anchor;         /* n of the newest head, where no disk can roll it back */
bool busy;           /* between steps 3 and 5 of a commit nobody reads the record */
bool overdue;        /* the deadline of the last chance has come */
bool halted;         /* rollback-detected */
byte boot;           /* which run of the process this is; a step of an earlier run does not happen */

/* What is seen from outside. */
byte seeds;          /* seeds drawn so far */
byte answered;       /* bit s: KE2 under seed s has left */
byte answers;        /* how many those are */
byte got[KE1S];      /* the seed of the KE2 that the client of a KE1 holds */
byte charges;        /* durable charges since the last durable proof */
byte pending;        /* bit k: a charge of KE1 k is durable, and no KE3 for it was sent */
byte proofs;         /* durable proofs */
bool told;           /* an answer `destroyed` has left */
byte charges_before, pending_before, proofs_before;   /* with `before` */

inline copy(to, from) {
  to.n = from.n; to.phase = from.phase; to.charged = from.charged;
  to.seed[0] = from.seed[0]; to.seed[1] = from.seed[1]
}

inline clear(r) { r.n = 0; r.phase = 0; r.charged = 0; r.seed[0] = 0; r.seed[1] = 0 }

inline forget() { clear(before); charges_before = 0; pending_before = 0; proofs_before = 0 }

#define NO_SEEDS(r)   (r.seed[0] == 0 && r.seed[1] == 0)
#define LIVE          (mine == boot && !halted)
#define CRASHED       (mine != boot || halted)

inline destroy(r) { r.phase = destroyed; r.seed[0] = 0; r.seed[1] = 0 }

/* An attacker who does not know the password has had no more answers than budgets were filled. */
inline leave(s) {
  if
  :: (answered & (1 << s)) -> skip
  :: else ->
     answered = answered | (1 << s);
     answers++;
     assert(answers <= BUDGET * (1 + proofs))
  fi;
  assert(!late);                        /* a request that came after `destroyed` was told gets no KE2 */
#ifdef REACH_LAST_ANSWER
  assert(answers < BUDGET);
#endif
}

/* "Commit", steps 1 to 3: conditional, and durable [D]. */
inline write(r) {
  copy(before, store);
  charges_before = charges; pending_before = pending; proofs_before = proofs;
  r.n = store.n + 1;
  copy(store, r);
  busy = true
}

/* What a durable commit means to those outside. */
inline note_destroyed() {
  assert(charges >= BUDGET);                       /* the owner's proof has filled the budget, and it was not spent since */
  assert(overdue || !(pending & (1 << OWNER)));    /* a right last guess is not punished */
#ifdef REACH_DESTROYED
  assert(false);
#endif
  overdue = false
}

proctype Worker() {
  byte mine, k, s, expected;
  mtype command;
  bool late, changed, charge, proof, wrong;
  Record r;

idle:
  atomic {                              /* nothing is kept of the request before */
    clear(r); k = 0; s = 0; expected = 0; mine = 0; late = false; command = 0;
    changed = false; charge = false; proof = false; wrong = false
  }
end_idle:
  atomic {
    !halted;
    mine = boot; late = told;
    select (k : 0 .. KE1S - 1);
    if
    :: command = start
    :: got[k] != 0 ->
       command = finish; s = got[k]     /* Ke3Proof: KE1 k, the attempt id that goes with seed s, right for the owner */
    fi
  }

load:                                   /* "Processing", step 3, and then the time */
  atomic {
    if
    :: CRASHED -> goto idle
    :: LIVE && !busy -> copy(r, store); expected = r.n
    fi;
    changed = false; charge = false; proof = false; wrong = false;
    if                                  /* step 4 */
    :: r.phase == last_chance && overdue -> destroy(r); changed = true; goto commit
    :: else
    fi;
    if                                  /* step 5: recover-start, steps 2 to 6 */
    :: r.phase == destroyed -> told = true; goto idle
    :: r.phase != destroyed && command == start ->
#ifndef CHARGE_REPEATS
       if
       :: r.seed[k] != 0 -> s = r.seed[k]; goto evaluate
       :: else
       fi;
#endif
       if
       :: r.phase == last_chance -> goto idle    /* try-later */
       :: r.phase == live && seeds == CHARGES -> goto idle
       :: r.phase == live && seeds < CHARGES ->
          seeds++; s = seeds;
          r.seed[k] = s; r.charged++; changed = true; charge = true;
          if :: r.charged == BUDGET -> r.phase = last_chance :: else fi
       fi
    :: r.phase != destroyed && command == finish ->  /* recover-finish, steps 4 to 6 */
       if
       :: r.seed[k] != s -> goto idle            /* conflict */
       :: else
       fi;
       changed = true; r.seed[k] = 0;
       if
       :: k == OWNER -> proof = true; r.charged = 0; r.phase = live
       :: else ->
          wrong = true;
#ifdef WRONG_GIVES_BACK
          r.charged--; r.phase = live;
#endif
          if
#ifdef LAST_GUESS_PUNISHED
          :: r.phase == last_chance -> destroy(r)
#elif defined(LAST_CHANCE_FOR_EVER)
          :: r.phase == last_chance && NO_SEEDS(r) -> r.phase = live; r.charged = BUDGET - 1
#else
          :: r.phase == last_chance && NO_SEEDS(r) -> destroy(r)
#endif
          :: else
          fi
       fi
    fi
  }

#ifdef RELEASE_BEFORE_COMMIT
  atomic { if :: LIVE && charge -> leave(s); got[k] = s :: else fi }
#endif

commit:                                 /* step 6 */
  atomic {
    if
    :: CRASHED -> goto idle
    :: LIVE && !busy -> skip
    fi;
#ifdef STALE_RETRY
    expected = store.n;                 /* reads the name again, and not the record */
#endif
    if
#ifndef CHECK_THEN_WRITE
    :: expected != store.n -> goto load
    :: expected == store.n ->
#else
    :: true ->
#endif
       write(r);
       if
       :: charge ->
          charges++;
          assert(!(pending & (1 << k)));             /* a KE1 whose attempt is open costs no second charge */
          pending = pending | (1 << k)
       :: proof -> charges = 0; proofs++; overdue = false; pending = pending & (255 - (1 << k))
       :: wrong -> pending = pending & (255 - (1 << k))
       :: else
       fi;
       if :: r.phase == destroyed -> note_destroyed(); pending = 0 :: else fi
    fi
  }

#ifdef RELEASE_BEFORE_ANCHOR
  atomic { if :: LIVE && charge -> leave(s); got[k] = s :: else fi }
#endif

  atomic {                              /* "Commit", steps 4 and 5 [D] */
    if
    :: CRASHED -> goto idle
    :: LIVE -> anchor = store.n; busy = false; forget()
    fi;
    if
    :: !charge && !proof && !wrong -> goto load      /* a last chance had to end first */
    :: charge -> goto evaluate
    :: proof -> goto idle                        /* the sealed key, or its loss on the way */
    :: wrong -> if :: r.phase == destroyed -> told = true :: else fi; goto idle
    fi
  }

evaluate:                               /* step 7: the answer leaves, or is lost */
  atomic {
    if
    :: CRASHED -> goto idle
    :: LIVE -> leave(s); got[k] = s
    :: LIVE
    fi
  }
  goto idle
}

/* "Last chance": the sweeper. */
proctype Sweeper() {
  byte mine, expected;
  Record r;

idle:
  atomic { clear(r); expected = 0; mine = 0 }
end_idle:
  atomic { overdue && !busy && !halted -> mine = boot; copy(r, store); expected = r.n }
  atomic {
    if
    :: CRASHED || r.phase != last_chance -> goto idle
    :: LIVE && r.phase == last_chance && !busy ->
       destroy(r);
       if
#ifndef SWEEP_BLINDLY
       :: expected != store.n -> goto idle
       :: expected == store.n ->
#else
       :: true ->
#endif
          write(r); note_destroyed(); pending = 0
       fi
    fi
  }
  atomic { if :: LIVE -> anchor = store.n; busy = false; forget() :: CRASHED fi }
  goto idle
}

/* The clock, the loss of power, and whoever holds the disk. */
proctype World() {
end_idle:
  do
  :: atomic { store.phase == last_chance && !busy && !overdue -> overdue = true }
  :: atomic {
       boot < CRASHES && !halted ->
       boot++; busy = false; overdue = false;        /* time goes back to that of the newest head */
       if
       :: skip
       :: store.n == anchor + 1 ->                   /* the store of one commit ago is put back */
          copy(store, before);
          charges = charges_before; pending = pending_before; proofs = proofs_before
       :: anchor > 0 -> clear(store); store.phase = live     /* or the very first one */
       fi;
       forget();
       if                                            /* "Start", step 2 */
       :: store.n == anchor || store.n == anchor + 1 -> anchor = store.n
#ifdef ACCEPT_OLDER
       :: else -> anchor = store.n
#else
       :: else -> halted = true
#endif
       fi
#ifdef REACH_ROLLBACK
       ; assert(!halted)
#endif
     }
  od
}

init {
  atomic {
    store.phase = live;
    run Worker(); run Worker(); run Sweeper(); run World()
  }
}
