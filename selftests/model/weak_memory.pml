/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Memory as CPUs see it that delay their stores.
 *
 * A store goes into the buffer of its CPU, and from there to memory at any later
 * time.  Stores to different words overtake each other unless there is a write
 * barrier between them; a load finds the latest store of its own CPU, else
 * memory.  So x86's order (a store passed by a later load) and weaker ones (a store
 * passed by a later store) are among what is searched.  Loads are not delayed
 * here: a model to which that matters loads early, see split.pml.
 *
 * Whoever includes this defines CPUS and WORDS first, and runs a store_buffer() for
 * each CPU.
 */

#define DEPTH 4		/* a CPU whose buffer is full waits */
#define FENCE 255	/* in the buffer: a write barrier */

typedef buffer {
	byte count;
	byte word[DEPTH];
	byte value[DEPTH];
};

byte memory[WORDS];
buffer buffers[CPUS];
hidden byte shifted;

#define HOLDS(cpu, i, w) (buffers[cpu].count > i && buffers[cpu].word[i] == (w))

#define LOAD(cpu, w) \
	(HOLDS(cpu, 3, w) -> buffers[cpu].value[3] : \
	(HOLDS(cpu, 2, w) -> buffers[cpu].value[2] : \
	(HOLDS(cpu, 1, w) -> buffers[cpu].value[1] : \
	(HOLDS(cpu, 0, w) -> buffers[cpu].value[0] : memory[w]))))

inline store(cpu, w, v)
{
	atomic {
		buffers[cpu].count < DEPTH;
		buffers[cpu].word[buffers[cpu].count] = w;
		buffers[cpu].value[buffers[cpu].count] = v;
		buffers[cpu].count++;
	}
}

/* smp_wmb() */
inline write_barrier(cpu)
{
	atomic {
		if
		:: buffers[cpu].count == 0 -> skip
		:: buffers[cpu].count > 0 && buffers[cpu].count < DEPTH ->
			buffers[cpu].word[buffers[cpu].count] = FENCE;
			buffers[cpu].count++
		fi
	}
}

/* smp_mb() */
#define full_barrier(cpu) (buffers[cpu].count == 0)

inline remove(cpu, i)
{
	shifted = i;
	do
	:: shifted + 1 < buffers[cpu].count ->
		buffers[cpu].word[shifted] = buffers[cpu].word[shifted + 1];
		buffers[cpu].value[shifted] = buffers[cpu].value[shifted + 1];
		shifted++
	:: else -> break
	od;
	buffers[cpu].count--;
	buffers[cpu].word[buffers[cpu].count] = 0;
	buffers[cpu].value[buffers[cpu].count] = 0
}

/* The store at that place becomes visible; barriers with nothing before them go. */
inline leave(cpu, i)
{
	d_step {
		memory[buffers[cpu].word[i]] = buffers[cpu].value[i];
		remove(cpu, i);
		do
		:: buffers[cpu].count > 0 && buffers[cpu].word[0] == FENCE -> remove(cpu, 0)
		:: else -> break
		od
	}
}

#define STORE_AT(cpu, i) (buffers[cpu].count > i && buffers[cpu].word[i] != FENCE)
/* May the store at place j overtake the one at place i? */
#define PASSES(cpu, j, i) (buffers[cpu].word[i] != FENCE && \
			   buffers[cpu].word[i] != buffers[cpu].word[j])

proctype store_buffer(byte cpu)
{
end:	do
	:: STORE_AT(cpu, 0) -> leave(cpu, 0)
	:: STORE_AT(cpu, 1) && PASSES(cpu, 1, 0) -> leave(cpu, 1)
	:: STORE_AT(cpu, 2) && PASSES(cpu, 2, 0) && PASSES(cpu, 2, 1) -> leave(cpu, 2)
	:: STORE_AT(cpu, 3) && PASSES(cpu, 3, 0) && PASSES(cpu, 3, 1) &&
	   PASSES(cpu, 3, 2) -> leave(cpu, 3)
	od
}
