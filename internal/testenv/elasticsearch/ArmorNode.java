import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Map;

import org.elasticsearch.common.logging.LogConfigurator;
import org.elasticsearch.common.settings.Settings;
import org.elasticsearch.env.Environment;
import org.elasticsearch.node.InternalSettingsPreparer;
import org.elasticsearch.node.Node;
import org.elasticsearch.plugins.PluginsLoader;

/**
 * Starts one Elasticsearch node out of its published jars, for tests. The first argument is the node's home folder, which
 * holds config/, modules/ and plugins/. The node ends when standard input does, so that it never outlives the test process;
 * with -Darmor.delete.home=true it then deletes its home folder.
 */
public final class ArmorNode {
    private ArmorNode() {}

    public static void main(String[] args) throws Exception {
        Path home = Path.of(args[0]);
        LogConfigurator.configureESLogging();
        LogConfigurator.loadLog4jPlugins();
        Settings given = Settings.builder().put("path.home", home.toString()).build();
        LogConfigurator.configureWithoutConfig(given);
        Environment environment =
            InternalSettingsPreparer.prepareEnvironment(given, Map.of(), home.resolve("config"), () -> "armor-test");
        PluginsLoader plugins = PluginsLoader.createPluginsLoader(
            PluginsLoader.loadModulesBundles(environment.modulesDir()),
            PluginsLoader.loadPluginsBundles(environment.pluginsDir()),
            Map.of(),
            false); // the class path has no modules to export
        Node node = new Node(environment, plugins);
        node.start();
        Runtime.getRuntime().addShutdownHook(new Thread(() -> close(node, home)));
        while (System.in.read() >= 0) {
            // Nothing is said to the node: only the end of the input counts.
        }
        System.exit(0);
    }

    private static void close(Node node, Path home) {
        try {
            node.close();
            if (Boolean.getBoolean("armor.delete.home")) {
                delete(home);
            }
        } catch (IOException e) {
            e.printStackTrace(new PrintStream(System.err, true));
        }
    }

    /** Deletes a folder and what is in it; links are deleted, not followed. */
    private static void delete(Path folder) throws IOException {
        Files.walkFileTree(folder, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
                Files.delete(file);
                return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult postVisitDirectory(Path dir, IOException failed) throws IOException {
                if (failed != null) {
                    throw failed;
                }
                Files.delete(dir);
                return FileVisitResult.CONTINUE;
            }
        });
    }
}
