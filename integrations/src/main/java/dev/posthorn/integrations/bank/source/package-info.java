/** Where files lie: SFTP, HTTPS, a folder. */
@NullMarked
package dev.posthorn.integrations.bank.source;

import org.jspecify.annotations.NullMarked;
