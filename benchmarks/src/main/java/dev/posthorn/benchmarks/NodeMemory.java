package dev.posthorn.benchmarks;

import com.sun.tools.attach.AttachNotSupportedException;
import com.sun.tools.attach.VirtualMachine;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryMXBean;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import javax.management.JMException;
import javax.management.MBeanServerConnection;
import javax.management.ObjectName;
import javax.management.remote.JMXConnector;
import javax.management.remote.JMXConnectorFactory;
import javax.management.remote.JMXServiceURL;

/** The memory of a Java process on this machine, asked of that process itself. Thread-safe. */
public final class NodeMemory implements AutoCloseable {
    private static final Pattern MAPPING = Pattern.compile("([0-9a-f]+)-[0-9a-f]+ ");

    private final long pid;
    private final JMXConnector connector;
    private final MemoryMXBean memory;
    private final Heap heap;

    private NodeMemory(long pid, JMXConnector connector) throws IOException {
        this.pid = pid;
        this.connector = connector;
        this.heap = Heap.of(connector.getMBeanServerConnection());
        this.memory = ManagementFactory.newPlatformMXBeanProxy(
                connector.getMBeanServerConnection(), ManagementFactory.MEMORY_MXBEAN_NAME, MemoryMXBean.class);
    }

    /** Attaches to a process of the same user. */
    @SuppressWarnings(
            "BanJNDI") // The address comes from the process that is attached to, which this program has started.
    public static NodeMemory of(long pid) throws IOException {
        try {
            VirtualMachine machine = VirtualMachine.attach(Long.toString(pid));
            try {
                return new NodeMemory(
                        pid, JMXConnectorFactory.connect(new JMXServiceURL(machine.startLocalManagementAgent())));
            } finally {
                machine.detach();
            }
        } catch (AttachNotSupportedException e) {
            throw new IOException("process " + pid + " cannot be attached to: " + e.getMessage(), e);
        }
    }

    /** Bytes of the heap that are in use, garbage included. */
    public long heapUsed() {
        return memory.getHeapMemoryUsage().getUsed();
    }

    /** Bytes of the heap that the process has taken from the system. */
    public long heapCommitted() {
        return memory.getHeapMemoryUsage().getCommitted();
    }

    /** Collects all garbage; returns the bytes of the heap that are in use then. */
    public long heapAfterCollection() {
        memory.gc();
        return heapUsed();
    }

    /** Bytes of the process that are in memory, as {@code VmRSS} of proc(5) tells; empty elsewhere than on Linux. */
    public Optional<Long> resident() {
        try (Stream<String> lines = Files.lines(Path.of("/proc", Long.toString(pid), "status"))) {
            return lines.filter(line -> line.startsWith("VmRSS:"))
                    .map(line -> Long.parseLong(line.replaceAll("[^0-9]", "")) * 1024)
                    .findFirst();
        } catch (IOException elsewhere) {
            return Optional.empty();
        }
    }

    /** Those of {@link #resident} that are not of the heap, as {@code smaps} of proc(5) tells; empty elsewhere than on Linux. */
    public Optional<Long> residentBeyondHeap() {
        try (Stream<String> lines = Files.lines(Path.of("/proc", Long.toString(pid), "smaps"))) {
            long sum = 0;
            boolean counts = false;
            for (String line : (Iterable<String>) lines::iterator) {
                Matcher mapping = MAPPING.matcher(line);
                if (mapping.lookingAt()) {
                    counts = !heap.contains(Long.parseUnsignedLong(mapping.group(1), 16));
                } else if (counts && line.startsWith("Rss:")) {
                    sum += Long.parseLong(line.replaceAll("[^0-9]", "")) * 1024;
                }
            }
            return Optional.of(sum);
        } catch (IOException elsewhere) {
            return Optional.empty();
        }
    }

    /** The addresses that the process has kept for its heap. */
    private record Heap(long begin, long end) {
        private static final Pattern ADDRESS = Pattern.compile("0x([0-9a-f]{16})");

        static Heap of(MBeanServerConnection process) throws IOException {
            Object told;
            try {
                told = process.invoke(
                        ObjectName.getInstance("com.sun.management:type=DiagnosticCommand"),
                        "gcHeapInfo",
                        new Object[] {new String[0]},
                        new String[] {String[].class.getName()});
            } catch (JMException e) {
                throw new IOException("the process does not tell where its heap is", e);
            }
            long[] addresses = ADDRESS.matcher((String) told)
                    .results()
                    .mapToLong(match -> Long.parseUnsignedLong(match.group(1), 16))
                    .sorted()
                    .toArray();
            if (addresses.length < 2) {
                throw new IOException("the process does not tell where its heap is: " + told);
            }
            return new Heap(addresses[0], addresses[addresses.length - 1]);
        }

        boolean contains(long address) {
            return address >= begin && address < end;
        }
    }

    @Override
    public void close() throws IOException {
        connector.close();
    }
}
