#include "arena.h"

#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <string>

#include "cudasim/failure.h"
#include "fault.h"
#include "guard.h"
#include "shadow.h"

namespace cudasim::memory {
namespace {

constexpr size_t MOST =
    size_t{2} << 30;  // of device memory: more than hw4 needs, less than a worker may have
constexpr size_t LEAST = size_t{64} << 20;  // with less, nothing useful can be run

Arena the_arena;

/// Bytes of address space that the process may still take: RLIMIT_AS less what it has.
size_t room() {
  rlimit limit{};
  if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return SIZE_MAX;
  unsigned long pages = 0;
  if (std::FILE* statm = std::fopen("/proc/self/statm", "r")) {
    if (std::fscanf(statm, "%lu", &pages) != 1) pages = 0;
    std::fclose(statm);
  }
  const size_t used = pages * static_cast<size_t>(sysconf(_SC_PAGESIZE));
  return limit.rlim_cur > used ? limit.rlim_cur - used : 0;
}

/// "always [madvise] never": the system's choice stands in brackets. No such file, no huge pages.
bool system_has_huge_pages() {
  char line[128] = "";
  std::FILE* file = std::fopen("/sys/kernel/mm/transparent_hugepage/enabled", "r");
  if (file == nullptr) return false;
  const bool read = std::fgets(line, sizeof line, file) != nullptr;
  std::fclose(file);
  return read && (std::strstr(line, "[always]") != nullptr || std::strstr(line, "[madvise]") != nullptr);
}

/// The start of `bytes` addresses, a multiple of HUGE_PAGE; null where there is no room.
std::byte* reserve(size_t bytes) {
  // NORESERVE: the system need not hold back memory for addresses that may never be used.
  void* start = mmap(nullptr, bytes + HUGE_PAGE, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (start == MAP_FAILED) return nullptr;
  const uintptr_t begin = reinterpret_cast<uintptr_t>(start);
  const uintptr_t aligned = (begin + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
  if (aligned != begin) munmap(start, aligned - begin);
  munmap(reinterpret_cast<void*>(aligned + bytes), begin + HUGE_PAGE - aligned);
  return reinterpret_cast<std::byte*>(aligned);
}

void create() {
  // A third of the room: the host's arrays, the shadow (a quarter of the arena) and the stacks need some,
  // too.
  const size_t wish = std::min(MOST, room() / 3) / HUGE_PAGE * HUGE_PAGE;
  for (size_t device = wish; device >= LEAST; device = device / 2 / HUGE_PAGE * HUGE_PAGE) {
    const size_t visible = std::max(device / 8 / HUGE_PAGE * HUGE_PAGE, 4 * HUGE_PAGE);
    std::byte* base = reserve(device + visible);
    if (base == nullptr) continue;
    the_arena = {base, device, visible, system_has_huge_pages()};
    // Fewer and larger pages: without them the guard would cost 60 us a launch for each MiB (guard.cc).
    if (the_arena.huge_pages) madvise(base, device, MADV_HUGEPAGE);
    madvise(base, device + visible, MADV_DONTDUMP);  // 2 GiB in a core file help nobody
    create_shadow(the_arena);
    explain_faults();
    raise_guard();
    return;
  }
  fail("no room for device memory: " + std::to_string(LEAST >> 20) +
       " MiB of addresses are the least that it takes; raise the limit of address space (ulimit -v)");
}

}  // namespace

bool arena_exists() { return the_arena.base != nullptr; }

const Arena& arena() {
  if (!arena_exists()) create();
  return the_arena;
}

}  // namespace cudasim::memory
