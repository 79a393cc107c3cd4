/*
 * An anchor of several replicas, some of which can be rolled back: what `advance` of storage.md ("Anchor") must mean if more than one
 * device is to hold it, and why a majority is not enough. The protocol of this version has one anchor; this model is the ground on which
 * a later one stands.
 *
 * N replicas each hold the number and the name of the newest head. A vault reads Q of them, takes the highest number, and first brings Q
 * replicas to that head; then it makes the next head, sends it to the replicas, and releases its answer once Q have taken it. A replica takes a head
 * only if its number is above its own. Up to F replicas are put back to their first state, as often as one likes. Two vaults do
 * this at once, each taking itself for the only one, and crash wherever they like.
 *
 * Two heads of one number must not both count, or a charge is lost: true if 2Q - N > F, for then any two quorums share a replica that
 * was never put back.
 *
 * Bounds: 2 vaults, HEADS 2, one vault has one head under way. Not here: reads that take time (a vault may sleep after them), a change of the set of replicas.
 */
#ifndef N
#define N 4
#define Q 3
#define F 1
#endif
#define HEADS 2

byte number[N];       /* of each replica: number of its newest head */
byte head[N];         /* and the name of that head: the vault that made it; 0 before the first */
byte rolled;          /* bit i: replica i has been put back once: it is one of the F */
byte victims;         /* how many those are */
byte counted[HEADS + 1];   /* the head of this number that was released; 0: none yet */
byte base[HEADS + 2];      /* the head that it was made on */

/* Those that hold head h with number n. */
inline holders(n, h, count) {
  count = 0; i = 0;
  do
  :: i < N -> if :: number[i] == n && head[i] == h -> count++ :: else fi; i++
  :: else -> break
  od;
  i = 0
}

proctype Vault(byte me) {
  byte i, seen, n, h, on, count;
  bool both;

end_read:
  atomic {            /* reads Q replicas, whichever answer */
    n = 0; h = 0; on = 0; seen = 0; both = false; i = 0;
    do
    :: i < N && seen < Q ->
       seen++;
       if
       :: number[i] > n -> n = number[i]; h = head[i]; both = false
       :: number[i] == n && n > 0 && head[i] != h -> both = true
       :: else
       fi;
       i++
    :: i < N && Q - seen < N - i -> i++             /* this one does not answer */
    :: seen == Q -> break
    od;
    i = 0; seen = 0;
    if
    :: both || n == HEADS -> n = 0; h = 0; both = false; goto end_read    /* two heads of one number: another try, or a halt */
    :: !both && n == 0 -> goto next
    :: !both && n > 0 && n < HEADS -> skip
    fi
  }
#ifndef NO_REPAIR
  /* the head that was found may have too few holders yet: it is finished first */
  do
  :: atomic {
       holders(n, h, count);
       if
       :: count >= Q -> count = 0; goto next
       :: else ->
          count = 0;
          select (i : 0 .. N - 1);
          if :: number[i] < n -> number[i] = n; head[i] = h :: else fi;
          i = 0
       fi
     }
  :: goto end_read                                /* crash, or no progress */
  od;
#endif
next:
  atomic { on = h; n++; h = me }
  do
  :: atomic {
       select (i : 0 .. N - 1);
#ifdef NO_COMPARE
       number[i] = n; head[i] = h;
#else
       if :: number[i] < n -> number[i] = n; head[i] = h :: else fi;
#endif
       i = 0
     }
  :: atomic {
       holders(n, h, count);
       if
#ifdef RELEASE_EARLY
       :: count >= Q - 1 ->
#else
       :: count >= Q ->
#endif
          count = 0;
          assert(counted[n] == 0 || counted[n] == me);   /* no two charges under one number */
          counted[n] = me; base[n] = on;
          assert(counted[n - 1] == 0 || counted[n - 1] == on);            /* and none is left out of the chain */
          assert(base[n + 1] == 0 || base[n + 1] == me);
#ifdef REACH_LAST
          assert(n < HEADS);
#endif
          goto end_read
       :: else -> count = 0
       fi
     }
  :: goto end_read                                /* crash */
  od
}

/* Whoever holds a device puts it back. */
active proctype World() {
  byte i, n;
end:
  do
  :: atomic {
       select (i : 0 .. N - 1);
       if
       :: number[i] > 0 && ((rolled & (1 << i)) || victims < F) ->
          if :: !(rolled & (1 << i)) -> victims++; rolled = rolled | (1 << i) :: else fi;
          number[i] = 0; head[i] = 0
       :: else
       fi;
       i = 0
     }
  od
}

init { atomic { run Vault(1); run Vault(2) } }
