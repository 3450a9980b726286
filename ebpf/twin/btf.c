/* Reading BTF, a few hundred thousand small records (include/uapi/linux/btf.h): where they begin, which of them have a
 * name that is looked for. A blob is not to be trusted: nothing outside it is read, whatever it says. */
#include "twin.h"

#define HEADER_WORDS 3
#define KIND(info) ((info) >> 24 & 0x7f)
#define VLEN(info) ((info) & 0xffffff)
#define NAMES_MIN 64

/* A growing list of 32-bit numbers. */
struct list {
	uint32_t *items;
	size_t used, room;
};

static int append(struct list *list, uint32_t item)
{
	if (list->used == list->room) {
		size_t room = list->room ? 2 * list->room : 4096;
		uint32_t *items = PyMem_RawRealloc(list->items, room * sizeof(*items));

		if (!items)
			return -1;
		list->items = items;
		list->room = room;
	}
	list->items[list->used++] = item;
	return 0;
}

/* btf_walk(types, position, end, sizes) -> (starts, next position, unknown kind or -1)
 *
 * The words at which records begin, from the word `position` on until one begins at `end` or behind it. `sizes` is a
 * byte string: for each kind how many words it adds once, and for each element; 255 for a kind that nobody knows. */
PyObject *twin_btf_walk(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
	struct list starts = {0};
	Py_buffer types, sizes;
	size_t position, end, words;
	const uint32_t *word;
	const unsigned char *size;
	int unknown = -1;
	PyObject *found = NULL;

	if (count != 4) {
		PyErr_SetString(PyExc_TypeError, "btf_walk() takes 4 arguments");
		return NULL;
	}
	position = PyLong_AsSize_t(args[1]);
	end = PyLong_AsSize_t(args[2]);
	if (PyErr_Occurred() || PyObject_GetBuffer(args[0], &types, PyBUF_SIMPLE) < 0)
		return NULL;
	if (PyObject_GetBuffer(args[3], &sizes, PyBUF_SIMPLE) < 0) {
		PyBuffer_Release(&types);
		return NULL;
	}
	word = types.buf;
	size = sizes.buf;
	words = types.len / 4;
	if (words && end > words - 1)
		end = words - 1; /* the last word that can be the first of a record with an info word */
	while (words && position < end) {
		uint32_t info = word[position + 1];
		size_t kind = KIND(info);

		if (2 * kind + 1 >= (size_t)sizes.len || size[2 * kind] == 255) {
			unknown = (int)kind;
			break;
		}
		if (append(&starts, (uint32_t)position) < 0) {
			PyErr_NoMemory();
			goto out;
		}
		position += HEADER_WORDS + size[2 * kind] + (size_t)size[2 * kind + 1] * VLEN(info);
	}
	found = Py_BuildValue("y#ni", starts.items ? (char *)starts.items : "",
			      (Py_ssize_t)(starts.used * sizeof(uint32_t)), (Py_ssize_t)position, unknown);
out:
	PyMem_RawFree(starts.items);
	PyBuffer_Release(&sizes);
	PyBuffer_Release(&types);
	return found;
}

/* btf_select(types, starts, offsets, limit) -> [place]
 *
 * The places in `starts` of the records whose name is at one of the offsets of `offsets`, all below `limit`. */
PyObject *twin_btf_select(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
	Py_buffer types, starts;
	PyObject *offsets, *found = NULL;
	unsigned char *wanted;
	size_t limit, place, number, words;
	const uint32_t *start;

	if (count != 4) {
		PyErr_SetString(PyExc_TypeError, "btf_select() takes 4 arguments");
		return NULL;
	}
	limit = PyLong_AsSize_t(args[3]);
	if (PyErr_Occurred())
		return NULL;
	offsets = PySequence_Fast(args[2], "the offsets are no sequence");
	if (!offsets)
		return NULL;
	wanted = PyMem_Calloc(limit / 8 + 1, 1); /* a bit for each byte of the strings */
	if (!wanted) {
		PyErr_NoMemory();
		goto free_offsets;
	}
	for (number = 0; number < (size_t)PySequence_Fast_GET_SIZE(offsets); number++) {
		size_t offset = PyLong_AsSize_t(PySequence_Fast_GET_ITEM(offsets, number));

		if (PyErr_Occurred())
			goto free_wanted;
		if (offset < limit)
			wanted[offset / 8] |= 1 << offset % 8;
	}
	if (PyObject_GetBuffer(args[0], &types, PyBUF_SIMPLE) < 0)
		goto free_wanted;
	if (PyObject_GetBuffer(args[1], &starts, PyBUF_SIMPLE) < 0)
		goto release_types;
	found = PyList_New(0);
	start = starts.buf;
	words = types.len / 4;
	for (place = 0; found && place < starts.len / sizeof(uint32_t); place++) {
		uint32_t name = start[place] < words ? ((const uint32_t *)types.buf)[start[place]] : 0;

		if (name < limit && wanted[name / 8] >> name % 8 & 1) {
			PyObject *item = PyLong_FromSize_t(place);

			if (!item || PyList_Append(found, item) < 0)
				Py_CLEAR(found);
			Py_XDECREF(item);
		}
	}
	PyBuffer_Release(&starts);
release_types:
	PyBuffer_Release(&types);
free_wanted:
	PyMem_Free(wanted);
free_offsets:
	Py_DECREF(offsets);
	return found;
}

struct name {
	const char *text;
	size_t length;
	PyObject *object;
};

static size_t hash(const char *text, size_t length)
{
	uint64_t first = 0, last = 0;
	size_t part = length < 8 ? length : 8;

	memcpy(&first, text, part);
	memcpy(&last, text + length - part, part);
	first = (first ^ length) * 0x9E3779B97F4A7C15u;
	last = (last ^ first >> 29) * 0xBF58476D1CE4E5B9u;
	return last ^ last >> 32;
}

/* A table of the names that are looked for, open addressing; `mask` + 1 places, at least half of them free. */
static struct name *table_of(PyObject *names, size_t *mask)
{
	Py_ssize_t count = PySequence_Fast_GET_SIZE(names), index;
	size_t room = NAMES_MIN, place;
	struct name *table;

	while (room < 2 * (size_t)count)
		room *= 2;
	table = PyMem_Calloc(room, sizeof(*table));
	if (!table) {
		PyErr_NoMemory();
		return NULL;
	}
	*mask = room - 1;
	for (index = 0; index < count; index++) {
		struct name name = {.object = PySequence_Fast_GET_ITEM(names, index)};
		Py_ssize_t length;

		name.text = PyUnicode_AsUTF8AndSize(name.object, &length);
		if (!name.text) {
			PyMem_Free(table);
			return NULL;
		}
		name.length = (size_t)length;
		for (place = hash(name.text, name.length) & *mask; table[place].text; place = (place + 1) & *mask)
			if (table[place].length == name.length && !memcmp(table[place].text, name.text, name.length))
				break;
		table[place] = name;
	}
	return table;
}

/* btf_strings(strings, names, base) -> {offset: name}
 *
 * Where in a string section, whose first byte is at the offset `base`, whole strings are one of the names. */
PyObject *twin_btf_strings(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
	PyObject *names, *found = NULL;
	struct name *table;
	Py_buffer strings;
	size_t base, mask, place;
	const char *text, *end, *stop;

	if (count != 3) {
		PyErr_SetString(PyExc_TypeError, "btf_strings() takes 3 arguments");
		return NULL;
	}
	base = PyLong_AsSize_t(args[2]);
	if (PyErr_Occurred())
		return NULL;
	names = PySequence_List(args[1]); /* owned, so that the texts of the names stay */
	if (!names)
		return NULL;
	table = table_of(names, &mask);
	if (!table)
		goto free_names;
	if (PyObject_GetBuffer(args[0], &strings, PyBUF_SIMPLE) < 0)
		goto free_table;
	found = PyDict_New();
	end = (const char *)strings.buf + strings.len;
	for (text = strings.buf; found && text < end; text = stop + 1) {
		stop = memchr(text, '\0', end - text);
		if (!stop)
			break;
		for (place = hash(text, stop - text) & mask; table[place].text; place = (place + 1) & mask) {
			PyObject *offset;

			if (table[place].length != (size_t)(stop - text) ||
			    memcmp(table[place].text, text, stop - text))
				continue;
			offset = PyLong_FromSize_t(base + (text - (const char *)strings.buf));
			if (!offset || PyDict_SetItem(found, offset, table[place].object) < 0)
				Py_CLEAR(found);
			Py_XDECREF(offset);
			break;
		}
	}
	PyBuffer_Release(&strings);
free_table:
	PyMem_Free(table);
free_names:
	Py_DECREF(names);
	return found;
}
