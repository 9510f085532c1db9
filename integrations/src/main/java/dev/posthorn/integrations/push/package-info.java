/** {@code push}: receives what other systems send by themselves, and believes what is proven. */
@NullMarked
package dev.posthorn.integrations.push;

import org.jspecify.annotations.NullMarked;
