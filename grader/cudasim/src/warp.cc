#include "cudasim/warp.h"

#include <stdio.h>

#include <string>
#include <vector>

#include "block.h"
#include "warp_state.h"

namespace cudasim::detail {

namespace {

constexpr unsigned LANES = 32;

/// Lanes that are in one operation together, or wait for more of its mask.
struct Group {
  WarpOp op;
  unsigned mask;  // lanes that it names; active: unused
  unsigned here;  // lanes that have come
  Place at;       // the first one's line; active: everybody's
};

struct Warp {
  unsigned absent;  // lanes that the block does not have, or that have returned
  std::vector<Group> groups;
  Lane* lane[LANES];  // of those who wait: on their fibers' stacks
};
std::vector<Warp> warps;

const char* name_of(WarpOp op) {
  static const char* const names[] = {
      "__syncwarp()",        "__activemask()",      "__ballot_sync()",     "__any_sync()",
      "__all_sync()",        "__match_any_sync()",  "__match_all_sync()",  "__shfl_sync()",
      "__shfl_up_sync()",    "__shfl_down_sync()",  "__shfl_xor_sync()",   "__reduce_add_sync()",
      "__reduce_min_sync()", "__reduce_max_sync()", "__reduce_min_sync()", "__reduce_max_sync()",
      "__reduce_and_sync()", "__reduce_or_sync()",  "__reduce_xor_sync()"};
  return names[static_cast<int>(op)];
}

std::string hex(unsigned mask) {
  char text[16];
  snprintf(text, sizeof(text), "0x%08x", mask);
  return text;
}

[[noreturn]] void fail_lane(unsigned warp, unsigned lane, const Group& group, const std::string& what) {
  const unsigned thread = warp * LANES + lane;
  fail(launched() + ": " + name_of(group.op) + " at " + to_string(block.thread[thread].at) + ", " +
       block_name() + ", " + thread_name(thread) + ": " + what);
}

/// The lane that a shuffle reads.
unsigned source_of(unsigned lane, const Lane& mine, WarpOp op) {
  const int width = mine.width, me = static_cast<int>(lane), first = me & ~(width - 1);
  const auto delta = static_cast<unsigned>(mine.argument);
  switch (op) {
    case WarpOp::shfl:
      return static_cast<unsigned>(first + (mine.argument & (width - 1)));
    case WarpOp::shfl_up:
      return delta > lane - static_cast<unsigned>(first) ? lane : lane - delta;
    case WarpOp::shfl_down:
      return delta >= static_cast<unsigned>(first + width) - lane ? lane : lane + delta;
    default: {  // xor: may read segments before its own, not behind
      const unsigned other = (lane ^ delta) & (LANES - 1);
      return other >= static_cast<unsigned>(first + width) ? lane : other;
    }
  }
}

void give_shuffled(unsigned number, const Group& group) {
  const Warp& warp = warps[number];
  for (unsigned lane = 0; lane < LANES; ++lane) {
    if ((group.here >> lane & 1) == 0) continue;
    const unsigned source = source_of(lane, *warp.lane[lane], group.op);
    if ((group.here >> source & 1) == 0) {
      const unsigned thread = number * LANES + source;
      const std::string lane_text = "lane " + std::to_string(source);
      const std::string why = thread >= block.threads ? "does not exist: the block has " +
                                                            std::to_string(block.threads) + " threads"
                              : (group.mask >> source & 1) == 0
                                  ? "is not in the mask " + hex(group.mask)
                                  : "is in the mask " + hex(group.mask) + " but has already returned";
      fail_lane(number, lane, group,
                "reads from " + lane_text + " of its warp, which " + why +
                    ". What it would get is undefined: let every lane that is read from take part (keep all "
                    "32 lanes "
                    "going, with a neutral value where there is no element), or pass a smaller width.");
    }
    warp.lane[lane]->result = warp.lane[source]->value;
  }
}

uint64_t combined(WarpOp op, uint64_t a, uint64_t b) {
  const auto x = static_cast<unsigned>(a), y = static_cast<unsigned>(b);
  const auto i = static_cast<int>(x), j = static_cast<int>(y);
  switch (op) {
    case WarpOp::add:
      return x + y;
    case WarpOp::min_signed:
      return i < j ? x : y;
    case WarpOp::max_signed:
      return i > j ? x : y;
    case WarpOp::min_unsigned:
      return x < y ? x : y;
    case WarpOp::max_unsigned:
      return x > y ? x : y;
    case WarpOp::bit_and:
      return x & y;
    case WarpOp::bit_or:
      return x | y;
    default:
      return x ^ y;
  }
}

/// Operations whose result is the same for all lanes, but for match_any.
void give_gathered(unsigned number, const Group& group) {
  const Warp& warp = warps[number];
  unsigned ballot = 0;
  bool same = true, first = true;
  uint64_t total = 0, first_value = 0;
  for (unsigned lane = 0; lane < LANES; ++lane) {
    if ((group.here >> lane & 1) == 0) continue;
    const uint64_t value = warp.lane[lane]->value;
    ballot |= static_cast<unsigned>(value != 0) << lane;
    if (first) first_value = value;
    same = same && value == first_value;
    total = first ? value : combined(group.op, total, value);
    first = false;
  }
  for (unsigned lane = 0; lane < LANES; ++lane) {
    if ((group.here >> lane & 1) == 0) continue;
    Lane& mine = *warp.lane[lane];
    switch (group.op) {
      case WarpOp::sync:
        break;
      case WarpOp::active:
        mine.result = group.here;
        break;
      case WarpOp::ballot:
        mine.result = ballot;
        break;
      case WarpOp::any:
        mine.result = ballot != 0;
        break;
      case WarpOp::all:
        mine.result = ballot == group.here;
        break;
      case WarpOp::match_all:
        mine.result = same ? group.here : 0;
        mine.all_match = same;
        break;
      case WarpOp::match_any: {
        uint64_t equal = 0;
        for (unsigned other = 0; other < LANES; ++other) {
          if ((group.here >> other & 1) != 0 && warp.lane[other]->value == mine.value)
            equal |= uint64_t{1} << other;
        }
        mine.result = equal;
        break;
      }
      default:
        mine.result = total;
    }
  }
}

bool is_shuffle(WarpOp op) {
  return op == WarpOp::shfl || op == WarpOp::shfl_up || op == WarpOp::shfl_down || op == WarpOp::shfl_xor;
}

/// All are there: gives the lanes their results and lets them go on.
void complete(unsigned number, size_t index) {
  Warp& warp = warps[number];
  const Group group = warp.groups[index];
  warp.groups[index] = warp.groups.back();
  warp.groups.pop_back();
  if (is_shuffle(group.op)) {
    give_shuffled(number, group);
  } else {
    give_gathered(number, group);
  }
  for (unsigned lane = 0; lane < LANES; ++lane) {
    if ((group.here >> lane & 1) != 0) release(number * LANES + lane);
  }
}

bool is_complete(const Warp& warp, const Group& group) {
  return group.op != WarpOp::active && group.here == (group.mask & ~warp.absent);
}

/// __activemask() is complete when no lane of the warp can come to it any more: all wait or have returned.
void settle_active(unsigned number) {
  Warp& warp = warps[number];
  for (unsigned lane = 0; lane < LANES && number * LANES + lane < block.threads; ++lane) {
    const State state = block.thread[number * LANES + lane].state;
    if (state == State::running || state == State::unstarted) return;
  }
  for (size_t i = warp.groups.size(); i-- > 0;) {
    if (warp.groups[i].op == WarpOp::active) complete(number, i);
  }
}

void check_call(WarpOp op, unsigned mask, const Lane& lane, unsigned number, Place at) {
  const std::string call = std::string(name_of(op)) + " at " + to_string(at);
  if (!in_kernel()) fail(call + " was called by host code; it is for kernels.");
  if (op != WarpOp::active && (mask >> number & 1) == 0) {
    fail(where() + ": " + call + ": the mask " + hex(mask) + " does not name lane " + std::to_string(number) +
         ", which calls it. Each lane that takes part must be in the mask (0xffffffff for a whole warp).");
  }
  if (is_shuffle(op) && (lane.width < 1 || lane.width > 32 || (lane.width & (lane.width - 1)) != 0)) {
    fail(where() + ": " + call + ": the width is " + std::to_string(lane.width) +
         ", but must be a power of 2 from 1 to 32.");
  }
}

/// The group that the call belongs to; a new one where it is the first.
size_t find_group(Warp& warp, WarpOp op, unsigned mask, Place at) {
  for (size_t i = 0; i < warp.groups.size(); ++i) {
    const Group& group = warp.groups[i];
    if (group.op != op || group.mask != mask) continue;
    if (op != WarpOp::active || (group.at.line == at.line && group.at.file == at.file)) return i;
  }
  warp.groups.push_back({op, mask, 0, at});
  return warp.groups.size() - 1;
}

}  // namespace

void begin_warps() {
  warps.resize((block.threads + LANES - 1) / LANES);
  for (Warp& warp : warps) {
    warp.groups.clear();
    warp.absent = 0;
  }
  for (unsigned t = 0; t < warps.size() * LANES; ++t) {
    const bool absent = t >= block.threads || block.thread[t].state == State::returned;
    warps[t / LANES].absent |= static_cast<unsigned>(absent) << t % LANES;
  }
}

void lane_waits(unsigned thread) {
  if (!warps[thread / LANES].groups.empty()) settle_active(thread / LANES);
}

void lane_returned(unsigned thread) {
  const unsigned number = thread / LANES;
  Warp& warp = warps[number];
  warp.absent |= 1u << thread % LANES;
  if (warp.groups.empty()) return;
  for (size_t i = warp.groups.size(); i-- > 0;) {
    if (is_complete(warp, warp.groups[i])) complete(number, i);
  }
  settle_active(number);
}

uint64_t warp_operation(WarpOp op, unsigned mask, Lane& lane, Place at) {
  const unsigned thread = progress.thread, number = thread / LANES, me = thread % LANES;
  const bool fine =
      in_kernel() && (op == WarpOp::active || (mask >> me & 1) != 0) &&
      (!is_shuffle(op) || (lane.width >= 1 && lane.width <= 32 && (lane.width & (lane.width - 1)) == 0));
  if (!fine) check_call(op, mask, lane, me, at);
  track();
  Thread& mine = block.thread[thread];
  mine.state = State::in_warp;
  mine.name = name_of(op);
  mine.mask = mask;
  mine.at = at;
  Warp& warp = warps[number];
  warp.lane[me] = &lane;
  const size_t index = find_group(warp, op, mask, at);
  Group& group = warp.groups[index];
  group.here |= 1u << me;
  if (is_complete(warp, group)) {
    complete(number, index);
  } else if (op == WarpOp::active || warp.groups.size() > 1) {
    settle_active(number);
  }
  park();
  return lane.result;
}

}  // namespace cudasim::detail
