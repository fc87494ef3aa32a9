#include "pg/kept_state.hpp"

namespace spend {

KeptState::KeptState(Relation relation) : CommittedState(&data_) {
  const LatestState latest(relation, OwnChanges::ignored);
  data_ = *latest.snapshot();
  in_progress_.assign(data_.xip, data_.xip + data_.xcnt);
  in_progress_.insert(in_progress_.end(), data_.subxip, data_.subxip + std::max(data_.subxcnt, 0));
  data_.xip = in_progress_.data();
  data_.subxip = in_progress_.data() + data_.xcnt;
  data_.active_count = 0;
  data_.regd_count = 0;
#if PG_VERSION_NUM < 170000
  data_.lsn = InvalidXLogRecPtr;  // is asked only where old snapshots are cut off, and there none is kept
#endif
}

}  // namespace spend
