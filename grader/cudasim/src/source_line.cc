#include "source_line.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <link.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>
#include <unwind.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <vector>

extern char** environ;

namespace cudasim::memory {
namespace {

/// Calls outwards from an access that are looked at: out of an atomicAdd or a std::min into the kernel.
constexpr size_t MOST_CALLS = 6;

/// What a program found in PATH prints on its standard output; "" when it cannot be started. At most 4096
/// bytes.
std::string output_of(const char* const* arguments) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return "";
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  pid_t child = 0;
  const int failed =
      posix_spawnp(&child, arguments[0], &actions, nullptr, const_cast<char* const*>(arguments), environ);
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  std::string text;
  char buffer[512];
  ssize_t got = 0;
  while (failed == 0 && text.size() < 4096 && (got = read(ends[0], buffer, sizeof buffer)) > 0) {
    text.append(buffer, static_cast<size_t>(got));
  }
  close(ends[0]);
  if (failed != 0) return "";
  int status = 0;
  waitpid(child, &status, 0);
  return status == 0 ? text : "";
}

/// Where the code of a module lies in its file: addresses in a file that was loaded elsewhere are shifted.
struct Code {
  std::string file;
  uintptr_t shift = 0;
};

/// The module of an address of code; an empty file where none is known.
Code code_of(const void* address) {
  Dl_info info{};
  void* found = nullptr;
  if (dladdr1(address, &info, &found, RTLD_DL_LINKMAP) == 0 || found == nullptr) return {};
  const auto* map = static_cast<const link_map*>(found);
  if (map->l_name[0] != '\0') return {map->l_name, map->l_addr};
  // The program itself. /proc/self/exe as it stands would be addr2line's own.
  char program[4096] = "";
  if (readlink("/proc/self/exe", program, sizeof program - 1) <= 0) return {};
  return {program, map->l_addr};
}

/// Return addresses of the functions that run, from `from` outwards.
struct Calls {
  const void* from;
  bool reached;
  std::vector<const void*> list;
};

_Unwind_Reason_Code next_call(_Unwind_Context* context, void* data) {
  auto* calls = static_cast<Calls*>(data);
  int before =
      0;  // of a function that was interrupted by a signal: the instruction itself, not the one behind a call
  const uintptr_t at = _Unwind_GetIPInfo(context, &before);
  const auto* address = reinterpret_cast<const void*>(before != 0 ? at + 1 : at);
  calls->reached = calls->reached || address == calls->from;
  if (calls->reached) calls->list.push_back(address);
  return calls->list.size() < MOST_CALLS ? _URC_NO_REASON : _URC_END_OF_STACK;
}

/// A line that the student wrote, rather than one of the runtime's or the standard library's.
bool students(const std::string& line) {
  return line.find("/cudasim/src/") == std::string::npos &&
         line.find("/include/cudasim/") == std::string::npos &&
         line.find("/include/c++/") == std::string::npos;
}

/// "/work/src/x.cu:40" below the current folder as "src/x.cu:40", as messages name launches.
std::string shortened(const std::string& line) {
  char folder[4096];
  if (getcwd(folder, sizeof folder) == nullptr) return line;
  const std::string prefix = std::string(folder) + "/";
  if (line.compare(0, prefix.size(), prefix) == 0) return line.substr(prefix.size());
  return line.compare(0, 2, "./") == 0 ? line.substr(2) : line;
}

/// The first of addr2line's lines that is the student's. They look like "/box/src/x.cu:40", some with "
/// (discriminator 3)" behind, or "??:0" where nothing is known; -i adds those that a function was inlined
/// into.
std::string first_of_students(const std::string& text) {
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    const std::string whole = text.substr(begin, end - begin);
    const std::string line = whole.substr(0, whole.find(' '));
    if (!line.empty() && line[0] != '?' && line.back() != '?' && students(line)) return line;
    begin = end + 1;
  }
  return "";
}

}  // namespace

std::string at_source_line(const void* return_address) {
  const Code own = code_of(reinterpret_cast<const void*>(&at_source_line));
  if (own.file.empty()) return "";
  Calls calls{return_address, false, {}};
  _Unwind_Backtrace(next_call, &calls);
  std::vector<std::string> addresses;
  for (const void* address : calls.list) {
    if (code_of(address).file != own.file)
      continue;  // the memcpy of the C library, called by the student's code
    char number[32];
    // One byte back: the call itself, since its return may lie on the next line.
    std::snprintf(number, sizeof number, "0x%zx",
                  static_cast<size_t>(reinterpret_cast<uintptr_t>(address) - 1 - own.shift));
    addresses.emplace_back(number);
  }
  if (addresses.empty()) return "";
  std::vector<const char*> arguments = {"addr2line", "-i", "-e", own.file.c_str()};
  for (const std::string& address : addresses) arguments.push_back(address.c_str());
  arguments.push_back(nullptr);
  const std::string line = first_of_students(output_of(arguments.data()));
  return line.empty() ? "" : " at " + shortened(line);
}

}  // namespace cudasim::memory
