#include "services/notification/notification_text.hpp"

#include <algorithm>

namespace stoa::notifications {
namespace {

std::string with_currency(money amount) {
    return money_text(amount) + ' ' + std::string(amount.currency.text());
}

std::string order_lines(const orders::order_event& about) {
    std::string out;
    for (const auto& each : about.items)
        out += "  " + std::to_string(each.quantity) + " x " + each.name + " (" + each.sku + "), " +
               money_text(each.price) + " each: " + with_currency(each.line_total) + '\n';
    return out;
}

std::string order_summary(const orders::order_event& about) {
    std::string out = "Order: " + about.order_id + '\n';
    if (about.reference) out += "Your reference: " + *about.reference + '\n';
    return out + '\n' + order_lines(about) + "\nTotal: " + with_currency(about.total_amount) + '\n';
}

std::string letter(std::string_view opening, std::string_view middle, std::string_view shop_name) {
    std::string out = "Hello,\n\n";
    (out += opening) += "\n\n";
    (out += middle) += "\nKind regards\n";
    return (out += shop_name) += '\n';
}

std::string why_cancelled(const orders::order_event& about) {
    const auto reason = about.reason.value_or("");
    if (reason == "customer") return "Your order has been cancelled, as you asked.";
    if (reason == "payment_deadline")
        return "Your order has been cancelled, because it was not paid in time.";
    return "Your order has been cancelled.";
}

std::string opening_of(const orders::order_event& about) {
    const auto& type = about.event_type;
    if (type == "order.created")
        return "Thank you for your order. The items are reserved for you until your payment "
               "arrives.";
    if (type == "order.payment_failed")
        return "Your payment was declined, and nothing was charged. The items are still reserved "
               "for a short while: please try again, perhaps with another payment method.";
    if (type == "order.paid")
        return "We have received your payment. Your order is being prepared for shipping.";
    if (type == "order.cancelled")
        return why_cancelled(about) + " Anything that you have paid for it is returned to you.";
    if (type == "order.shipped") return "Your order is on its way to you.";
    if (type == "order.delivered")
        return "Your order has been delivered. We hope that you enjoy it.";
    if (type == "order.refunded" && about.refunded_amount)
        return "We have refunded " + with_currency(*about.refunded_amount) +
               " to you. It can take a few days until it shows in your account.";
    return {};
}

std::string_view subject_of(const orders::order_event& about) {
    const auto& type = about.event_type;
    if (type == "order.created") return "Your order has been received";
    if (type == "order.payment_failed") return "Your payment was declined";
    if (type == "order.paid") return "Your payment has been received";
    if (type == "order.cancelled") return "Your order has been cancelled";
    if (type == "order.shipped") return "Your order is on its way";
    if (type == "order.delivered") return "Your order has been delivered";
    return "Your refund";
}

// 2025-06-30 14:05
std::string minute_of(timestamp at) {
    const auto text = rfc3339(at).substr(0, 16);
    return text.substr(0, 10) + ' ' + text.substr(11);
}

void append_cell(std::string& out, std::string_view cell, std::size_t width, bool right) {
    const std::string pad(cell.size() < width ? width - cell.size() : 0, ' ');
    if (right) out += pad;
    out += cell;
    if (!right) out += pad;
}

}  // namespace

std::optional<text> text_of(const orders::order_event& about, std::string_view shop_name) {
    // Such an order was never confirmed to the customer, so its end is no news.
    if (about.event_type == "order.cancelled" && about.reason == "order_expired") return {};
    const auto opening = opening_of(about);
    if (opening.empty()) return {};
    return text{std::string(shop_name) + ": " + std::string(subject_of(about)),
                letter(opening, order_summary(about), shop_name)};
}

text text_of(const users::password_reset_requested& about, std::string_view shop_name,
             std::string_view reset_url) {
    std::string middle = reset_url.empty() ? "Reset code: " + about.token + '\n'
                                           : std::string(reset_url) + about.token + '\n';
    middle += "\nIt works once, until " + minute_of(about.expires_at) +
              " UTC. If it was not you who asked, ignore this message: your password stays as it "
              "is.\n";
    return {std::string(shop_name) + ": Setting a new password",
            letter("Somebody, hopefully you, asked to set a new password for your account.", middle,
                   shop_name)};
}

text text_of(const users::email_verification_requested& about, std::string_view shop_name,
             std::string_view verify_url) {
    std::string middle = verify_url.empty() ? "Confirmation code: " + about.token + '\n'
                                            : std::string(verify_url) + about.token + '\n';
    middle += "\nIt works once, until " + minute_of(about.expires_at) +
              " UTC, while you are signed in. Orders that you placed with this address as a guest "
              "will then be in your account. If the account is not yours, ignore this message.\n";
    return {std::string(shop_name) + ": Confirming your e-mail address",
            letter("Please confirm that this is the e-mail address of your account.", middle,
                   shop_name)};
}

std::string invoice_of(const orders::order_event& paid, std::string_view shop_name) {
    constexpr std::size_t width = 72;
    std::string out = std::string(shop_name) + "\n\nINVOICE\n\n";
    out += "Invoice number   " + paid.order_id + '\n';
    out += "Invoice date     " + rfc3339(paid.occurred_at).substr(0, 10) + '\n';
    out += "Order date       " + rfc3339(paid.created_at).substr(0, 10) + '\n';
    out += "Customer number  " + paid.user_id + '\n';
    if (paid.reference) out += "Your reference   " + *paid.reference + '\n';
    const std::string rule = std::string(width, '-') + '\n';
    out += '\n';
    append_cell(out, "Item", 34, false);
    append_cell(out, "Units", 8, true);
    append_cell(out, "Price", 14, true);
    append_cell(out, "Amount", 16, true);
    (out += '\n') += rule;
    for (const auto& each : paid.items) {
        (out += each.name) += '\n';
        append_cell(out, "  " + each.sku, 34, false);
        append_cell(out, std::to_string(each.quantity), 8, true);
        append_cell(out, money_text(each.price), 14, true);
        append_cell(out, money_text(each.line_total), 16, true);
        out += '\n';
    }
    out += rule;
    append_cell(out, "Total " + std::string(paid.currency.text()), 56, false);
    append_cell(out, money_text(paid.total_amount), 16, true);
    return out + "\n\nPaid in full. Nothing remains to be paid.\n";
}

}  // namespace stoa::notifications
