/** PostgreSQL, HTTP receivers and a clock for tests: of Posthorn, and of applications that embed it. */
@NullMarked
package dev.posthorn.testkit;

import org.jspecify.annotations.NullMarked;
