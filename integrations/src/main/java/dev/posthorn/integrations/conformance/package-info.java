/**
 * What every connector must do, checked on one of yours: {@link dev.posthorn.integrations.conformance.PullConformance} and
 * {@link dev.posthorn.integrations.conformance.PushConformance}. Needs no test framework; call it from a test and assert that the report
 * conforms.
 */
@NullMarked
package dev.posthorn.integrations.conformance;

import org.jspecify.annotations.NullMarked;
