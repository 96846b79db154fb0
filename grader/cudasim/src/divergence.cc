/// What is wrong when every thread of a block waits and none can go on.

#include <stdio.h>
#include <string.h>

#include <algorithm>
#include <string>
#include <vector>

#include "block.h"

namespace cudasim::detail {

namespace {

constexpr unsigned LANES = 32;

/// Threads that have returned, or wait in the same call at the same line.
struct Group {
  unsigned first;  // the one with the lowest number
  unsigned threads;
};

bool together(const Thread& a, const Thread& b) {
  if (a.state != b.state) return false;
  return a.state == State::returned || (a.at.line == b.at.line && a.mask == b.mask &&
                                        strcmp(a.at.file, b.at.file) == 0 && strcmp(a.name, b.name) == 0);
}

/// Of the threads from `begin` up to `end`.
std::vector<Group> groups(unsigned begin, unsigned end) {
  std::vector<Group> found;
  for (unsigned t = begin; t < end; ++t) {
    const auto same = [t](const Group& group) {
      return together(block.thread[group.first], block.thread[t]);
    };
    auto group = std::find_if(found.begin(), found.end(), same);
    if (group == found.end()) group = found.insert(found.end(), {t, 0});
    ++group->threads;
  }
  return found;
}

/// "__syncthreads() at src/x.cu:41", "__shfl_sync() with mask 0x0000ffff at src/x.cu:41"
std::string call(const Thread& thread) {
  char mask[32] = "";
  if (thread.mask != 0) snprintf(mask, sizeof(mask), " with mask 0x%08x", thread.mask);
  return std::string(thread.name) + mask + " at " + to_string(thread.at);
}

/// "thread (240, 0, 0) and 15 more had already returned"
std::string in_words(const Group& group) {
  const Thread& thread = block.thread[group.first];
  std::string text = thread_name(group.first);
  if (group.threads > 1) text += " and " + std::to_string(group.threads - 1) + " more";
  if (thread.state == State::returned) return text + " had already returned";
  return text + (group.threads > 1 ? " wait" : " waits") + " in " + call(thread) + " instead";
}

/// The threads of a block or warp (`whole`, in words): those in the call that the first thread in `state`
/// waits in, and what the others do instead.
[[noreturn]] void fail_for(unsigned begin, unsigned end, State state, const std::string& whole,
                           const char* remedy) {
  std::string here, others;
  for (const Group& group : groups(begin, end)) {
    const Thread& thread = block.thread[group.first];
    if (here.empty() && thread.state == state) {
      here = call(thread) + " was reached by " + std::to_string(group.threads) + " of " +
             std::to_string(end - begin) + " " + whole;
    } else {
      others += (others.empty() ? "" : "; ") + in_words(group);
    }
  }
  fail(launched() + ": " + here + ": " + others + ". " + remedy);
}

}  // namespace

void fail_diverged() {
  // A warp operation first: where lanes wait for each other forever, a barrier that waits for them is a
  // consequence.
  for (unsigned t = 0; t < block.threads; ++t) {
    if (block.thread[t].state != State::in_warp) continue;
    const unsigned first = t / LANES * LANES;
    fail_for(first, std::min(first + LANES, block.threads), State::in_warp,
             "lanes of warp " + std::to_string(t / LANES) + " of " + block_name(),
             "Every lane that the mask names must come to the same operation with the same mask: move it out "
             "of the "
             "branch, or let the mask name only the lanes that take the branch.");
  }
  fail_for(0, block.threads, State::at_barrier, "threads of " + block_name(),
           "Every thread of a block must reach every barrier: move it out of the branch, and let a bounds "
           "check guard "
           "the accesses only, not return before it.");
}

}  // namespace cudasim::detail
