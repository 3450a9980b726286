"""Maps, programs, links and objects over file descriptors: what every versioned namespace is made of."""
