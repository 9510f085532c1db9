package dev.posthorn.benchmarks;

import com.sun.tools.attach.AttachNotSupportedException;
import com.sun.tools.attach.VirtualMachine;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryMXBean;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.stream.Stream;
import javax.management.remote.JMXConnector;
import javax.management.remote.JMXConnectorFactory;
import javax.management.remote.JMXServiceURL;

/** The memory of a Java process on this machine, asked of that process itself. Thread-safe. */
public final class NodeMemory implements AutoCloseable {
    private final long pid;
    private final JMXConnector connector;
    private final MemoryMXBean memory;

    private NodeMemory(long pid, JMXConnector connector) throws IOException {
        this.pid = pid;
        this.connector = connector;
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

    @Override
    public void close() throws IOException {
        connector.close();
    }
}
