/* Reading a ring buffer: what RingReader.take() of ebpf/core/events/ring.py does, record by record.
 *
 * The memory is shared with the kernel, which publishes a record by writing the producer's position and then, with the
 * busy bit gone, its header; and with any process that has the map: nothing it says is believed without a check. */
#include "twin.h"

#define BUSY (1U << 31)
#define DISCARD (1U << 30)
#define HEADER 8
#define SIGNALS_EVERY 4096 /* records between two looks at Ctrl-C */

struct ring {
	Py_buffer consumer, producer, data;
	uint64_t mask, position, end;
};

/* Positions are unsigned long of the kernel. */
static uint64_t get(const Py_buffer *position)
{
	if (position->itemsize == 8)
		return __atomic_load_n((const uint64_t *)position->buf, __ATOMIC_ACQUIRE);
	return __atomic_load_n((const uint32_t *)position->buf, __ATOMIC_ACQUIRE);
}

static void advance(struct ring *ring, uint64_t step)
{
	if (ring->consumer.itemsize == 8) {
		ring->position += step;
		__atomic_store_n((uint64_t *)ring->consumer.buf, ring->position, __ATOMIC_RELEASE);
	} else {
		ring->position = (uint32_t)(ring->position + step);
		__atomic_store_n((uint32_t *)ring->consumer.buf, (uint32_t)ring->position, __ATOMIC_RELEASE);
	}
}

static uint64_t waiting(const struct ring *ring)
{
	uint64_t bytes = ring->end - ring->position;

	return ring->consumer.itemsize == 8 ? bytes : (uint32_t)bytes;
}

/* The event for a record: an unsigned number of `size` bytes, what `decode` makes of its bytes, or those. A record that
 * is too short for a number goes to `decode`, which says so. */
static PyObject *event(long size, PyObject *decode, const unsigned char *record, uint32_t length)
{
	PyObject *bytes, *result;

	if (size == 8 && length >= 8) {
		uint64_t number;

		memcpy(&number, record, 8);
		return PyLong_FromUnsignedLongLong(number);
	}
	if (size == 4 && length >= 4) {
		uint32_t number;

		memcpy(&number, record, 4);
		return PyLong_FromUnsignedLong(number);
	}
	bytes = PyBytes_FromStringAndSize((const char *)record, length);
	if (!bytes || decode == Py_None)
		return bytes;
	result = PyObject_CallFunctionObjArgs(decode, bytes, NULL);
	Py_DECREF(bytes);
	return result;
}

/* Hands out the next record: 1 done, 0 there is none that is complete, -1 exception, -2 the memory makes no sense. */
static int next(struct ring *ring, long size, PyObject *decode, PyObject *into)
{
	for (;;) {
		const unsigned char *data = ring->data.buf;
		uint32_t header, length, step;
		PyObject *made, *result;

		if (ring->position == ring->end) {
			ring->end = get(&ring->producer);
			if ((ring->position | ring->end) & 7 || waiting(ring) > ring->mask + 1)
				return -2;
			if (ring->position == ring->end)
				return 0;
		}
		data += ring->position & ring->mask;
		header = __atomic_load_n((const uint32_t *)data, __ATOMIC_ACQUIRE);
		if (header & BUSY)
			return 0;
		length = header & ~DISCARD;
		step = (length + HEADER + 7) & ~7U;
		if (step > waiting(ring))
			return -2;
		if (header & DISCARD) {
			advance(ring, step);
			continue;
		}
		made = event(size, decode, data + HEADER, length);
		advance(ring, step); /* it counts as read, whatever becomes of it */
		if (!made)
			return -1;
		result = PyObject_CallFunctionObjArgs(into, made, NULL);
		Py_DECREF(made);
		if (!result)
			return -1;
		Py_DECREF(result);
		return 1;
	}
}

/* ring_take(consumer, producer, data, most, size, decode, into) -> how many, or -1 - how many when the memory makes no sense
 *
 * consumer, producer: the positions, memoryviews of "Q" or "I"; data: the records, mapped twice in a row
 * size: 4 or 8 when events are unsigned numbers of that size, else 0
 * decode: what is called with the bytes of a record; None when they are the event
 * into: called with each event */
PyObject *twin_ring_take(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
	struct ring ring = {{0}};
	Py_ssize_t most, taken = 0;
	PyObject *result = NULL;
	int outcome = 1;
	long size;

	if (count != 7) {
		PyErr_SetString(PyExc_TypeError, "ring_take() takes consumer, producer, data, most, size, decode and into");
		return NULL;
	}
	most = PyLong_AsSsize_t(args[3]);
	if (most == -1 && PyErr_Occurred())
		return NULL;
	size = PyLong_AsLong(args[4]);
	if (size == -1 && PyErr_Occurred())
		return NULL;
	if (PyObject_GetBuffer(args[0], &ring.consumer, PyBUF_CONTIG) < 0)
		return NULL;
	if (PyObject_GetBuffer(args[1], &ring.producer, PyBUF_CONTIG_RO) < 0)
		goto consumer;
	if (PyObject_GetBuffer(args[2], &ring.data, PyBUF_CONTIG_RO) < 0)
		goto producer;
	if (ring.consumer.len < ring.consumer.itemsize || ring.producer.len < ring.producer.itemsize ||
	    ring.consumer.itemsize != ring.producer.itemsize ||
	    (ring.consumer.itemsize != 4 && ring.consumer.itemsize != 8) || ring.data.len < 16 ||
	    (ring.data.len & (ring.data.len - 1))) {
		PyErr_SetString(PyExc_ValueError, "this is not the memory of a ring buffer");
		goto data;
	}
	ring.mask = (uint64_t)ring.data.len / 2 - 1;
	ring.position = get(&ring.consumer);
	ring.end = ring.position;
	while (taken < most && outcome > 0) {
		outcome = next(&ring, size, args[5], args[6]);
		if (outcome > 0 && ++taken % SIGNALS_EVERY == 0 && PyErr_CheckSignals() < 0)
			outcome = -1;
	}
	if (outcome == -2)
		result = PyLong_FromSsize_t(-1 - taken);
	else if (outcome >= 0)
		result = PyLong_FromSsize_t(taken);
data:
	PyBuffer_Release(&ring.data);
producer:
	PyBuffer_Release(&ring.producer);
consumer:
	PyBuffer_Release(&ring.consumer);
	return result;
}
