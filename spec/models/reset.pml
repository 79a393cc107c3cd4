/*
 * Reset, and what follows a generation: exchange.md ("register-confirm", "delete", "cancel", scheduled changes), attempts.md ("Charges of a new
 * generation", "Last chance", "Ledger").
 *
 * The owner knows the password and holds the owner key. The attacker speaks for the account, registers passwords of his own, guesses at
 * the owner's, asks for deletion, and delivers what the owner has signed when he likes, or again. Requests are handled one at a time
 * (counter.pml is about those that are not). Time passes by itself; what is due is applied before the next request, and by the sweeper.
 *
 * Bounds: BUDGET 3, GRACE 2 of at most 5 ticks of time, GENERATIONS 4, COMMITS 8.
 * Not here: waits, the ceiling, periods of the ledger, crashes, more than one attempt of each party.
 */
#define BUDGET      3
#define GRACE       2
#define LAST_CHANCE 1
#define TIME        5
#define GENERATIONS 4
#define COMMITS     8
#define NOBODY      0
#define OWNER       1
#define ATTACKER    2
#define NEVER       255

mtype = { live, last_chance, destroyed, deleted, nothing, replacement, deletion };

/* The record of the account. */
byte version;                       /* state_version */
byte now;
mtype phase = live;
byte generation = 1, charged, deadline;
byte password = OWNER;              /* whose the password of the live generation is */
byte ledger;
byte next_generation = 2;
byte pending, pending_generation;   /* a finished registration: whose password it has */
mtype scheduled = nothing;
byte scheduled_password, scheduled_generation, effective_at;
byte attempt[3];                    /* the generation of the open attempt of a party; 0: none */
bool attempt_right[3];

/* What the owner has signed, for the relay to deliver. */
byte delete_version = NEVER, cancel_version = NEVER, confirm_generation;

/* What is seen from outside. */
byte guesses;                       /* answers to guesses at the owner's password since its last proof */
byte replaced;                      /* generations with the owner's password since then that no password has proved */
byte shown_at;                      /* when the change that is scheduled was first told in an answer */
bool ended;                         /* since then the key that it was to follow has come to its end */
byte change;                        /* number of that change */
byte delete_wanted, cancel_wanted;  /* the generation, and the change, that the owner meant */

#define LIVE     (phase == live || phase == last_chance)
#define COMMIT   (version < COMMITS)
#define DUE      ((phase == last_chance && now >= deadline) || (scheduled != nothing && now >= effective_at))

inline forget_scheduled() { scheduled = nothing; scheduled_password = NOBODY; scheduled_generation = 0; effective_at = 0 }
inline forget_pending() { pending = NOBODY; pending_generation = 0 }
inline forget_attempts() {
  attempt[OWNER] = 0; attempt[ATTACKER] = 0; attempt_right[OWNER] = false; attempt_right[ATTACKER] = false
}

inline end_key(how) {
  phase = how; deadline = 0; password = NOBODY; ended = true;
  forget_attempts(); forget_pending();
#ifdef SCHEDULED_SURVIVES
  if :: how == destroyed -> skip :: else -> forget_scheduled() fi
#else
  forget_scheduled()
#endif
}

/* A generation goes live; `by_password`: a KE3 of the one before has proved it. */
inline go_live(whose, which, by_password) {
  phase = live; deadline = 0; password = whose; generation = which;
  if
  :: by_password -> charged = 0
#ifdef REFILL_ON_REGISTER
  :: else -> charged = 0
#else
  :: else -> charged = (ledger < BUDGET - 1 -> ledger : BUDGET - 1)
#endif
  fi;
  if :: whose == OWNER && !by_password -> replaced++ :: else fi;
#ifndef STALE_ATTEMPT
  forget_attempts();
#endif
  forget_scheduled()
}

/* A KE3 that holds. */
inline prove(who) {
  assert(password == who);            /* nothing but the password of the live generation proves it */
  charged = 0; phase = live; deadline = 0;
  if :: ledger > 0 -> ledger-- :: else fi;
  attempt[who] = 0; attempt_right[who] = false;
  if :: who == OWNER -> guesses = 0; replaced = 0 :: else fi
}

/* Something is to wait. */
inline schedule(kind, whose, which) {
  if
#ifdef RESCHEDULE
  :: scheduled != nothing -> begin_to_wait(kind, whose, which)
#else
  :: scheduled != nothing -> skip     /* whatever it is: `scheduled`, and nothing changes */
#endif
  :: scheduled == nothing -> effective_at = now + GRACE; begin_to_wait(kind, whose, which); version++
  fi
}

inline begin_to_wait(kind, whose, which) {
  scheduled = kind; scheduled_password = whose; scheduled_generation = which;
  shown_at = now; ended = false; change++;
  if :: kind == replacement -> forget_pending() :: else fi
}

/* register-confirm of what is pending, by a party, with a proof of its own or none. */
inline confirm(proved, by_password) {
  if
  :: !LIVE || proved ->
     go_live(pending, pending_generation, by_password); forget_pending(); version++
  :: else ->
#ifdef GRACE_IGNORED
     shown_at = now; scheduled = replacement; take_effect(pending, pending_generation); forget_pending(); version++
#else
     schedule(replacement, pending, pending_generation)
#endif
  fi
}

/* An unproved change happens: it was told for the whole time of grace, and its key is still there. */
inline take_effect(whose, which) {
  assert(now - shown_at >= GRACE);
  assert(!ended);
  assert(!(phase == last_chance && now >= deadline));    /* a last chance that is over comes first */
#ifdef REACH_TAKES_EFFECT
  assert(false);
#endif
  if
  :: scheduled == replacement -> go_live(whose, which, false)
  :: scheduled == deletion -> end_key(deleted)
  :: else
  fi
}

/* "Processing", step 4, and the sweeper: nothing else happens while something is due. */
active proctype Due() {
end:
  do
  :: atomic {
       DUE ->
       if
#ifdef WRONG_ORDER
       :: scheduled != nothing && now >= effective_at -> take_effect(scheduled_password, scheduled_generation)
       :: else -> end_key(destroyed)
#else
       :: phase == last_chance && now >= deadline -> end_key(destroyed)
       :: else -> take_effect(scheduled_password, scheduled_generation)
#endif
       fi;
       version++
     }
  :: atomic { !DUE && now < TIME && version < COMMITS -> now++ }
  od
}

active proctype Owner() {
end:
  do
  :: atomic {                       /* recovers: start and finish */
       !DUE && COMMIT && phase == live && password == OWNER && charged < BUDGET - 1 -> charged++; ledger++; prove(OWNER); version++
     }
  :: atomic {                       /* a new registration with the same password, up to register-finish */
       !DUE && COMMIT && next_generation <= GENERATIONS ->
       pending = OWNER; pending_generation = next_generation; next_generation++; confirm_generation = pending_generation; version++
     }
  :: atomic {                       /* confirms it by password */
       !DUE && COMMIT && pending == OWNER && phase == live && password == OWNER && charged < BUDGET - 1 ->
       charged++; ledger++; prove(OWNER); confirm(true, true)
     }
  :: atomic {                       /* confirms it without a proof: the key and the password are lost */
       !DUE && COMMIT && pending == OWNER -> confirm(false, false)
     }
  :: atomic {                       /* signs a deletion, of what is there now */
       !DUE && LIVE && password == OWNER && delete_version == NEVER -> delete_version = version; delete_wanted = generation
     }
  :: atomic {                       /* sees what is scheduled, and signs that it be cancelled */
       !DUE && LIVE && password == OWNER && scheduled != nothing && scheduled_password != OWNER && cancel_version == NEVER ->
       cancel_version = version; cancel_wanted = change
     }
  od
}

active proctype Attacker() {
end:
  do
  :: atomic {                       /* guesses; a newer attempt takes the place of an open one */
       !DUE && COMMIT && phase == live ->
       charged++; ledger++;
       if :: charged == BUDGET -> phase = last_chance; deadline = now + LAST_CHANCE :: else fi;
       attempt[ATTACKER] = generation; attempt_right[ATTACKER] = (password == ATTACKER);
       if
       :: password == OWNER ->
          guesses++;
          assert(guesses <= BUDGET + replaced)
       :: else
       fi;
       version++
     }
  :: atomic {                       /* finishes it, rightly or not */
       !DUE && COMMIT && LIVE && attempt[ATTACKER] != 0 ->
       if
       :: attempt_right[ATTACKER] -> prove(ATTACKER)
       :: !attempt_right[ATTACKER] ->
          attempt[ATTACKER] = 0;
          if :: phase == last_chance -> end_key(destroyed) :: else fi
       fi;
       version++
     }
  :: atomic {                       /* a registration of his own, up to register-finish */
       !DUE && COMMIT && next_generation <= GENERATIONS ->
       pending = ATTACKER; pending_generation = next_generation; next_generation++; version++
     }
  :: atomic { !DUE && COMMIT && pending == ATTACKER -> confirm(password == ATTACKER && LIVE, false) }
  :: atomic {                       /* asks for deletion without a proof */
       !DUE && COMMIT && LIVE -> schedule(deletion, NOBODY, generation)
     }
  /* delivers what the owner has signed */
  :: atomic {
       !DUE && COMMIT && pending == OWNER && pending_generation == confirm_generation && LIVE && password == OWNER -> confirm(true, false)
     }
  :: atomic {
#ifdef STALE_DELETE
       !DUE && COMMIT && LIVE && password == OWNER && delete_version != NEVER ->
#else
       !DUE && COMMIT && LIVE && password == OWNER && delete_version == version ->
#endif
       assert(generation == delete_wanted);    /* deleted is what the owner has seen */
       end_key(deleted); version++
     }
  :: atomic {
#ifdef STALE_CANCEL
       !DUE && COMMIT && LIVE && password == OWNER && scheduled != nothing && cancel_version != NEVER ->
#else
       !DUE && COMMIT && LIVE && password == OWNER && scheduled != nothing && cancel_version == version ->
#endif
       assert(change == cancel_wanted);        /* cancelled is what the owner has seen */
#ifdef REACH_CANCEL
       assert(false);
#endif
       forget_scheduled(); version++
     }
  od
}
