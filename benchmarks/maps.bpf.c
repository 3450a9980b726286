/* The maps for peers that take them out of an object file only. */
#define SEC(name) __attribute__((section(name), used))
#define MAP(kind) \
	struct { \
		int (*type)[kind]; \
		int (*max_entries)[1024]; \
		unsigned int *key; \
		unsigned long long *value; \
	}

MAP(1) hash SEC(".maps");
MAP(2) array SEC(".maps");
char _license[] SEC("license") = "GPL";
