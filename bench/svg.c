#include "bench.h"
bool write_svg(const report *r, const char *path) { (void)r; (void)path; return true; }
