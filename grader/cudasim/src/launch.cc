/// Launches: what hardware would refuse, and how often the grid is run.

#include "block.h"
#include "cudasim/api.h"
#include "cudasim/execution.h"
#include "cudasim/memory.h"
#include "race.h"
#include "shared_state.h"

namespace cudasim::detail {

namespace {

// The same for every GPU since compute capability 3.0, and of kernel arguments since 7.0 (CUDA C++
// Programming Guide, "Technical Specifications per Compute Capability").
constexpr unsigned MOST_THREADS = 1024, MOST_BLOCK_Z = 64, MOST_GRID_X = 0x7fffffff, MOST_GRID_YZ = 65535;
constexpr size_t MOST_ARGUMENT_BYTES = 32764;

std::string to_string_of(dim3 v) {
  return "(" + std::to_string(v.x) + ", " + std::to_string(v.y) + ", " + std::to_string(v.z) + ")";
}

[[noreturn]] void refuse(const Launch& launch, const std::string& why) {
  fail(std::string("kernel ") + launch.name + ", launched at " + to_string(launch.place) + ": " + why);
}

void check_grid(const Launch& launch) {
  const dim3 grid = launch.config.grid;
  const std::string is = "the grid is " + to_string_of(grid) + " blocks";
  if (grid.x == 0 || grid.y == 0 || grid.z == 0) {
    refuse(launch, is + ", but no extent may be 0. Launch nothing when there is nothing to do.");
  }
  if (grid.x > MOST_GRID_X) {
    refuse(launch,
           is + ", but x may be at most 2147483647. Was it computed from a negative or wrapped number?");
  }
  if (grid.y > MOST_GRID_YZ || grid.z > MOST_GRID_YZ) {
    refuse(launch,
           is + ", but y and z may be at most 65535 each. Put the long extent in x, or let each thread do "
                "several elements.");
  }
}

void check_block(const Launch& launch) {
  const dim3 block = launch.config.block;
  const std::string is = "the block is " + to_string_of(block) + " threads";
  if (block.x == 0 || block.y == 0 || block.z == 0) refuse(launch, is + ", but no extent may be 0.");
  const uint64_t threads = static_cast<uint64_t>(block.x) * block.y * block.z;
  if (block.x > MOST_THREADS || block.y > MOST_THREADS || threads > MOST_THREADS) {
    refuse(launch, is + ", " + std::to_string(threads) +
                       " in all, but a block has at most 1024. Use a smaller block, and more of them.");
  }
  if (block.z > MOST_BLOCK_Z) refuse(launch, is + ", but z may be at most 64.");
}

void check_arguments(const Launch& launch) {
  if (launch.argument_bytes > MOST_ARGUMENT_BYTES) {
    refuse(launch,
           "its arguments take " + std::to_string(launch.argument_bytes) +
               " bytes, but at most 32764 fit. Put large tables in device memory and pass a pointer.");
  }
}

void check_stream(const Launch& launch) {
  if (!known(launch.config.stream)) {
    refuse(launch, "its stream does not exist: it was never created, or has been destroyed.");
  }
}

}  // namespace

void launch(const Launch& launch) {
  if (in_kernel()) {
    fail(where() + ": launches kernel " + launch.name + " at " + to_string(launch.place) +
         "; cuda-sim does not support launches from kernels. Launch it from the host.");
  }
  check_grid(launch);
  check_block(launch);
  check_dynamic_shared(launch);
  check_arguments(launch);
  check_stream(launch);
  if (race_check_asked()) {
    run_in_many_orders(launch);
  } else {
    run_grid(launch, Order{});
  }
}

}  // namespace cudasim::detail
