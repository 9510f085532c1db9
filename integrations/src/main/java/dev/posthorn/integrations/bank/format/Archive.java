package dev.posthorn.integrations.bank.format;

import dev.posthorn.integrations.bank.statement.BadFileException;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.GZIPInputStream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;

/** Takes files out of gzip and zip, by their first bytes and not by their names. An archive in an archive is not opened. */
final class Archive {
    private static final int MOST_ENTRIES = 1_000;

    private Archive() {}

    /**
     * The files in it; itself if it is none.
     *
     * @param largest in bytes, of all together, unpacked
     */
    static List<byte[]> open(byte[] file, int largest) throws BadFileException {
        try {
            if (startsWith(file, 0x1f, 0x8b)) {
                try (InputStream in = new GZIPInputStream(new ByteArrayInputStream(file))) {
                    return List.of(readAll(in, largest, largest));
                }
            }
            return startsWith(file, 'P', 'K', 3, 4) ? unzip(file, largest) : List.of(file);
        } catch (IOException | IllegalArgumentException e) {
            throw BadFileException.malformed("it is a damaged archive");
        }
    }

    private static List<byte[]> unzip(byte[] file, int largest) throws BadFileException, IOException {
        List<byte[]> files = new ArrayList<>();
        int left = largest;
        int entries = 0;
        try (ZipInputStream zip = new ZipInputStream(new ByteArrayInputStream(file))) {
            for (ZipEntry entry = zip.getNextEntry(); entry != null; entry = zip.getNextEntry()) {
                if (++entries > MOST_ENTRIES) {
                    throw BadFileException.malformed("it is an archive of more than " + MOST_ENTRIES + " files");
                }
                String name = entry.getName().substring(entry.getName().lastIndexOf('/') + 1);
                // Folders, and what some systems pack beside the files.
                if (!entry.isDirectory()
                        && !name.startsWith(".")
                        && !entry.getName().startsWith("__MACOSX/")) {
                    byte[] content = readAll(zip, left, largest);
                    left -= content.length;
                    files.add(content);
                }
            }
        }
        return files;
    }

    private static byte[] readAll(InputStream in, int left, int largest) throws BadFileException, IOException {
        byte[] content = in.readNBytes(left + 1);
        if (content.length > left) {
            throw BadFileException.misconfigured(
                    "unpacked it is larger than " + largest + " bytes; raise \"max_file_bytes\"");
        }
        return content;
    }

    private static boolean startsWith(byte[] file, int... bytes) {
        for (int i = 0; i < bytes.length; i++) {
            if (file.length <= i || (file[i] & 0xff) != bytes[i]) {
                return false;
            }
        }
        return true;
    }
}
