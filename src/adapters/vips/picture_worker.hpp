// The process that decodes pictures, `stoa picture-worker`. It loads libvips once; each picture is
// then decoded by a child of its own, in the sandbox, which costs a fork and not a hundred
// libraries. What a picture does to its child is the end of that child and an error of that
// picture.
#pragma once

namespace stoa::vips {

// Answers the requests of standard input, which is a socket to the shop, until the shop is gone or
// has asked nothing for a minute. The exit code of the process.
int run_picture_worker();

}  // namespace stoa::vips
