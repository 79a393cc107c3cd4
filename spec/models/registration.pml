/*
 * A registration against a relay that drops, repeats, delays and reorders: client.md ("Registration", the journal), exchange.md
 * ("register-start", "register-finish", "register-confirm").
 *
 * A client registers one backup key under one password, and crashes wherever it likes; its journal and the vault's record are durable. All
 * that the client sends goes to the relay, which delivers any of it, as often and in whatever order it wants, at any time; and which hands
 * the client any answer that its vault ever gave to those bytes, or none. The relay may speak for the account: it begins, finishes and
 * confirms registrations of its own, and it knows the registration ids. Secrets of the client it does not know.
 *
 * Bounds: 3 elements of the client, 4 generations. Repetitions, losses and crashes are unbounded.
 * Not here: crashes of the vault (counter.pml), proofs and scheduled changes (reset.pml): without a proof nothing replaces a live generation.
 */
#define ELEMENTS    3   /* elements of the client: 1 to 3; one for each register-start that it makes */
#define RELAY       4   /* the relay's own element and record */
#define GENERATIONS 4

mtype = { nothing, begun, finishing, started, finished, ok, conflict };

/* The journal of the client. [D] at every change */
mtype journal = nothing;
byte wanted;            /* element, which also stands for secret and record */
byte journal_id;        /* registration_id */
bool is_finished;
bool uploaded;          /* step 10: the manifest under the new key is there */

/* The record of the account. [D] at every change */
mtype pending = nothing;
byte pending_id, pending_request, pending_record;
byte live_id, live_record;
byte next_generation = 1;

/* What the relay holds: requests that were sent, and the answers that the vault gave to each. */
bool sent_start[ELEMENTS + 1], sent_finish[ELEMENTS + 1], sent_confirm[ELEMENTS + 1];
byte finish_id[ELEMENTS + 1];                     /* the registration_id in them */
byte answer_start[ELEMENTS + 1];                  /* registration_id */
bool finish_ok[ELEMENTS + 1], confirm_ok[ELEMENTS + 1];

/* What is seen from outside. */
byte evaluated[GENERATIONS + 1];                  /* the element that was evaluated under the seed of a generation */
byte registered;                                  /* how often the password of the owner became live: each time has attempts of its own */
bool holds;                                       /* the key has been handed to the protocol: somebody must have it from now on */

#define IS_OWN(record) (record >= 1 && record <= ELEMENTS)

#ifdef NO_SECRET
#define REVEALS(secret, record) true
#else
#define REVEALS(secret, record) (secret == record)
#endif

/* At every moment the key is in the journal, or can be had from the vault by its password. */
#define SAFE (!holds || journal != nothing || IS_OWN(live_record))

/* register-start */
inline vault_start(e) {
  if
#ifdef EVAL_TWO
  :: pending == started -> skip                                              /* takes any element for the one it has */
#endif
  :: pending != nothing && pending_request == e -> skip                       /* 2 */
  :: !(pending != nothing && pending_request == e) && next_generation <= GENERATIONS ->   /* 3 */
     pending = started; pending_id = next_generation; pending_request = e; pending_record = 0;
     next_generation++
#ifdef START_REPLACES_LIVE
     ; live_id = 0; live_record = 0
#endif
  fi;
  assert(evaluated[pending_id] == 0 || evaluated[pending_id] == e);          /* 4, REG-2 */
  evaluated[pending_id] = e;
  if :: IS_OWN(e) -> answer_start[e] = pending_id :: else fi
}

/* register-finish; the record of the client is named by its element */
inline vault_finish(id, record, answer) {
  if
  :: pending == nothing || pending_id != id -> answer = conflict             /* 1 */
#ifdef FINISH_OVERWRITES
  :: pending != nothing && pending_id == id -> pending = finished; pending_record = record; answer = ok
#else
  :: pending == finished && pending_id == id ->                              /* 2 */
     if :: pending_record == record -> answer = ok :: else -> answer = conflict fi
  :: pending == started && pending_id == id ->                               /* 4 */
     pending = finished; pending_record = record; answer = ok
#endif
  fi
}

/* register-confirm; `secret` is that of the record of the same number; `proved`: with a proof of the owner */
inline vault_confirm(id, record, secret, proved, answer) {
  if
  :: live_record != 0 && live_id == id && live_record == record && secret == record -> answer = ok   /* 1 */
#ifdef FINISH_OVERWRITES
  :: else
  -> if :: pending == finished && pending_id == id -> go_live(); answer = ok :: else -> answer = conflict fi
#else
  :: else ->
     if
     :: pending == finished && pending_id == id && pending_record == record && REVEALS(secret, record) && (live_record == 0 || proved) ->
        go_live(); answer = ok                                               /* 2 to 5 */
     :: else ->
#ifdef OK_WITHOUT_LIVE
        answer = ok
#else
        answer = conflict
#endif
     fi
#endif
  fi
}

inline go_live() {
  live_id = pending_id; live_record = pending_record;
  pending = nothing; pending_id = 0; pending_request = 0; pending_record = 0;
  if
  :: IS_OWN(live_record) ->
     registered++;
     assert(registered <= 1);           /* a relay that drops answers gets no second budget of attempts */
     assert(uploaded)                   /* REG-10: what is recovered opens the backup */
#ifdef REACH_RELAY_FIRST
  :: live_record == RELAY -> assert(false)
#endif
  :: else
  fi
}

/* The steps are those of client.md. */
proctype Client() {
  byte e;

resume:
  atomic {
    e = wanted;
    if
    :: journal == nothing && !holds -> journal = begun; holds = true         /* 3 */
    :: journal == nothing && holds -> goto end_done
    :: journal == begun -> skip
    :: journal == finishing && !is_finished -> goto finishing_
#ifdef REREGISTER
    :: journal == finishing && is_finished -> journal = begun; is_finished = false
#else
    :: journal == finishing && is_finished -> goto confirming
#endif
    fi;
    if :: wanted < ELEMENTS -> wanted++; e = wanted :: else -> goto end_done fi
  }
  sent_start[e] = true;                                                      /* 4 */
end_started:
  atomic {
    if
    :: answer_start[e] != 0 ->                                               /* 6, 7 */
       journal = finishing; journal_id = answer_start[e]; finish_id[e] = journal_id; is_finished = false
    :: true -> goto resume                                                   /* crash */
    fi
  }
finishing_:
  atomic { sent_finish[e] = true }                                           /* 8 */
end_finishing:
  atomic {
    if
    :: finish_ok[e] -> is_finished = true                                    /* 9 */
    :: true -> goto resume
    fi
#ifdef ERASE_EARLY
    ; journal = nothing; journal_id = 0
#endif
    ; assert(SAFE)
  }
confirming:
#ifndef UPLOAD_LATE
  if :: uploaded = true :: goto resume fi;                                   /* 10 */
#endif
  sent_confirm[e] = true;                                                    /* 11 */
end_confirming:
  atomic {
    if
    :: confirm_ok[e] ->                                                      /* 12: the receipt */
       journal = nothing; journal_id = 0; uploaded = true;
       assert(live_record == e)
    :: true -> goto resume
    fi;
    assert(SAFE)
#ifdef REACH_RECEIPT
    ; assert(false)
#endif
  }
end_done:
  false
}

proctype Relay() {
  byte e, id;
  mtype answer;

end_relay:
  do
  :: atomic {                           /* delivers something that the client has sent, the first or the tenth time */
       select (e : 1 .. ELEMENTS);
       if
       :: sent_start[e] -> if :: next_generation <= GENERATIONS || (pending != nothing && pending_request == e) -> vault_start(e) :: else fi
       :: sent_finish[e] ->
          vault_finish(finish_id[e], e, answer);
          if :: answer == ok -> finish_ok[e] = true :: else fi
       :: sent_confirm[e] ->
          vault_confirm(finish_id[e], e, e, true, answer);
          if :: answer == ok -> confirm_ok[e] = true :: else fi
       :: else
       fi;
       assert(SAFE); e = 0; answer = 0
     }
  :: atomic {                           /* asks for something itself */
       select (id : 1 .. GENERATIONS);
       if
       :: next_generation <= GENERATIONS -> vault_start(RELAY)
       :: true -> vault_finish(id, RELAY, answer)
       :: true -> vault_confirm(id, RELAY, RELAY, false, answer)
       :: pending == finished && IS_OWN(pending_record) ->   /* knows the hash of the record, and not its secret */
          vault_confirm(pending_id, pending_record, RELAY, false, answer)
       fi;
       assert(SAFE); id = 0; answer = 0
     }
  od
}

init { atomic { run Client(); run Relay() } }
