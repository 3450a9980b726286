/* The peers in C: what a program without an interpreter pays for the same. Compiled by benchmarks/native.py. */
#include <linux/bpf.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PAGE 4096
#define BUSY (1U << 31)
#define DISCARD (1U << 30)

/* `count` element commands on u32 -> u64, keys 0 to `keys` - 1 in turn; how many failed. */
long elements(int fd, int command, long count, uint32_t keys)
{
	union bpf_attr attr;
	uint64_t value = 5;
	uint32_t key;
	long number, failed = 0;

	memset(&attr, 0, sizeof(attr));
	attr.map_fd = fd;
	attr.key = (uint64_t)(uintptr_t)&key;
	attr.value = (uint64_t)(uintptr_t)&value;
	for (number = 0; number < count; number++) {
		key = number % keys;
		failed += syscall(__NR_bpf, command, &attr, 32) != 0;
	}
	return failed;
}

/* One BPF_MAP_LOOKUP_BATCH of all elements; how many there were. */
long batch(int fd, uint32_t count, void *keys, void *values)
{
	union bpf_attr attr;
	uint64_t token = 0;

	memset(&attr, 0, sizeof(attr));
	attr.batch.out_batch = (uint64_t)(uintptr_t)&token;
	attr.batch.keys = (uint64_t)(uintptr_t)keys;
	attr.batch.values = (uint64_t)(uintptr_t)values;
	attr.batch.count = count;
	attr.batch.map_fd = fd;
	syscall(__NR_bpf, BPF_MAP_LOOKUP_BATCH, &attr, sizeof(attr));
	return attr.batch.count;
}

/* A ring buffer of `size` bytes, mapped: its consumer's page, and what a consumer reads. */
struct ring {
	volatile unsigned long *consumer;
	const volatile unsigned long *producer;
	const char *data;
	unsigned long mask;
};

int ring_open(struct ring *ring, int fd, unsigned long size)
{
	char *reading;

	ring->consumer = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	reading = mmap(NULL, PAGE + 2 * size, PROT_READ, MAP_SHARED, fd, PAGE);
	if (ring->consumer == MAP_FAILED || reading == MAP_FAILED)
		return -1;
	ring->producer = (const unsigned long *)reading;
	ring->data = reading + PAGE;
	ring->mask = size - 1;
	return 0;
}

/* Calls back for all records that are there, as libbpf's ring_buffer__consume() does; how many there were. */
long ring_consume(struct ring *ring, void (*event)(void *context, const void *data, uint32_t length), void *context)
{
	unsigned long position = *ring->consumer, end = __atomic_load_n(ring->producer, __ATOMIC_ACQUIRE);
	long count = 0;

	while (position < end) {
		const uint32_t *header = (const uint32_t *)(ring->data + (position & ring->mask));
		uint32_t length = __atomic_load_n(header, __ATOMIC_ACQUIRE);

		if (length & BUSY)
			break;
		if (!(length & DISCARD)) {
			event(context, header + 2, length);
			count++;
		}
		length &= ~(BUSY | DISCARD);
		position += (length + 8 + 7) & ~7U;
		__atomic_store_n(ring->consumer, position, __ATOMIC_RELEASE);
	}
	return count;
}

static void add(void *context, const void *data, uint32_t length)
{
	*(uint64_t *)context += length >= 8 ? *(const uint64_t *)data : 0;
}

/* Sums the events, numbers of 64 bits; how many there were. */
long ring_sum(struct ring *ring, uint64_t *sum)
{
	return ring_consume(ring, add, sum);
}
