// Bugs on purpose. Each stands beside the rule it breaks, is off, and is switched on one at a time
// by tests/simulation, which must catch it: a checker that misses one of these would miss a real
// one like it (docs/adr/0008). Release builds contain none of it.
#pragma once

#include <boost/describe/enum.hpp>

#include <cstdint>

namespace stoa {

enum class planted_bug : std::uint8_t {
    none,
    // stock
    hold_counts_twin_lines_once,
    hold_keeps_what_it_took_before_it_was_refused,
    release_keeps_the_units,
    commit_writes_no_movement,
    // saga
    order_event_goes_before_its_state,
    order_saved_whatever_came_between,
    cancellation_forgotten_when_money_arrives,
    expiry_tells_nobody,
    deadline_asks_payment_for_nothing,
    older_failure_counts,
    refunds_past_the_capture,
    // idempotency
    order_without_its_key,
    refund_without_its_key,
    stored_answer_differs,
    expiry_leaves_its_key_open,
    cart_line_without_its_key,
    // payment
    every_try_has_a_new_provider_key,
    unknown_outcome_taken_for_a_decline,
    close_overlooks_an_attempt,
    request_resets_the_payment,
    payment_event_goes_after_its_state,
    refund_key_without_its_number,
    lost_refund_taken_for_refused,
    // inbox and consumers
    offset_goes_before_the_effect,
    failing_event_is_passed_over,
    waiting_would_help_and_is_not_tried,
    cart_takes_without_receipt,
    receipt_is_not_looked_at,
    // outbox
    relay_erases_before_it_appends,
    // cart
    deleted_product_stays_in_carts,
    cart_adds_what_was_deleted,
    // mail
    failed_mail_counts_as_sent,
    mail_has_a_new_id_each_time,
    // windows
    late_event_is_dropped,
    late_event_is_counted,
    event_counts_again_after_a_death,
    order_counts_twice_in_its_window,
    window_results_go_again,
    window_state_goes_before_its_results,
    window_pointer_taken_unseen,
    merge_takes_the_first_mark,
    shares_go_before_their_window,
};
BOOST_DESCRIBE_ENUM(
    planted_bug, none, hold_counts_twin_lines_once, hold_keeps_what_it_took_before_it_was_refused,
    release_keeps_the_units, commit_writes_no_movement, order_event_goes_before_its_state,
    order_saved_whatever_came_between, cancellation_forgotten_when_money_arrives,
    expiry_tells_nobody, deadline_asks_payment_for_nothing, older_failure_counts,
    refunds_past_the_capture, order_without_its_key, refund_without_its_key, stored_answer_differs,
    expiry_leaves_its_key_open, cart_line_without_its_key, every_try_has_a_new_provider_key,
    unknown_outcome_taken_for_a_decline, close_overlooks_an_attempt, request_resets_the_payment,
    payment_event_goes_after_its_state, refund_key_without_its_number,
    lost_refund_taken_for_refused, offset_goes_before_the_effect, failing_event_is_passed_over,
    waiting_would_help_and_is_not_tried, cart_takes_without_receipt, receipt_is_not_looked_at,
    relay_erases_before_it_appends, deleted_product_stays_in_carts, cart_adds_what_was_deleted,
    failed_mail_counts_as_sent, mail_has_a_new_id_each_time, late_event_is_dropped,
    late_event_is_counted, event_counts_again_after_a_death, order_counts_twice_in_its_window,
    window_results_go_again, window_state_goes_before_its_results, window_pointer_taken_unseen,
    merge_takes_the_first_mark, shares_go_before_their_window)

#ifdef STOA_PLANTED_BUGS
// Thread rule: written before any service runs.
inline planted_bug planted_now = planted_bug::none;
inline bool planted(planted_bug which) { return planted_now == which; }
#else
constexpr bool planted(planted_bug) { return false; }
#endif

}  // namespace stoa
