package org.talespark.jobs.train;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.channels.SeekableByteChannel;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.talespark.data.BadInputException;
import org.talespark.jobs.checkpoint.Checkpoint;
import org.talespark.jobs.checkpoint.FileBody;
import org.talespark.zoo.io.SafetensorsFile;
import org.talespark.zoo.io.SafetensorsWriter;
import org.talespark.zoo.io.TensorSource;
import org.talespark.zoo.lora.PeftAdapter;
import org.talespark.zoo.text.Tokenizer;
import org.talespark.zoo.train.Learner;
import org.talespark.zoo.train.Pretrained;

/** A learner as the files of a checkpoint, and back. */
public final class LearnerFiles {
  public static final String MODEL = "model.safetensors";
  public static final String EMA = "ema.safetensors";
  public static final String CONFIG = "config.json";
  static final String OPTIMIZER = "optimizer.safetensors";
  static final String STATE = "trainer_state.json";

  private static final Set<String> OWN = Set.of(MODEL, EMA, CONFIG, OPTIMIZER, STATE);

  static final ObjectMapper JSON =
      JsonMapper.builder()
          .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
          .enable(SerializationFeature.INDENT_OUTPUT)
          .build();

  private LearnerFiles() {}

  /** All files of a checkpoint. */
  static Map<String, FileBody> of(Learner learner, TrainConfig config, TrainerState state) {
    Object modelConfig = config.task().modelConfig(config.data().size());
    Map<String, FileBody> files = new LinkedHashMap<>();
    files.put(MODEL, tensors(learner.model()));
    if (!learner.ema().isEmpty()) {
      files.put(EMA, tensors(learner.ema()));
    }
    files.put(OPTIMIZER, tensors(learner.state()));
    if (learner.files().containsKey(PeftAdapter.CONFIG)) { // the weights in use, for PEFT
      files.put(
          PeftAdapter.WEIGHTS, tensors(learner.ema().isEmpty() ? learner.model() : learner.ema()));
    }
    learner.files().forEach((name, bytes) -> files.put(name, out -> out.write(bytes)));
    files.put(CONFIG, out -> out.write(JSON.writeValueAsBytes(modelConfig)));
    files.put(STATE, out -> out.write(JSON.writeValueAsBytes(state)));
    return files;
  }

  /** Begins with the weights of a base, or with the fresh ones when there is none. */
  static void begin(Learner learner, String base, Configuration hadoop) {
    if (base != null) {
      Pretrained from = pretrained(hadoop).apply(base);
      learner.model().forEach((name, array) -> array.assign(from.tensor(name)));
      learner.ema().forEach((name, array) -> array.assign(from.tensor(name)));
      learner.begun();
    }
  }

  static FileBody tensors(Map<String, INDArray> arrays) {
    List<TensorSource> sources = new ArrayList<>();
    arrays.forEach((name, array) -> sources.add(TensorSource.of(name, array)));
    return out -> SafetensorsWriter.write(out, Map.of("format", "pt"), sources);
  }

  /** Where the run stood that wrote a checkpoint. */
  static TrainerState state(Checkpoint checkpoint) throws IOException {
    try (InputStream in = checkpoint.open(STATE)) {
      return JSON.readValue(in, TrainerState.class);
    }
  }

  /** Loads a checkpoint into a learner of the same configuration. */
  static TrainerState restore(Checkpoint checkpoint, Learner learner) throws IOException {
    TrainerState state = state(checkpoint);
    load(checkpoint, MODEL, learner.model());
    if (!learner.ema().isEmpty()) {
      load(checkpoint, EMA, learner.ema());
    }
    load(checkpoint, OPTIMIZER, learner.state());
    learner.restored(state.counters());
    return state;
  }

  static void load(Checkpoint checkpoint, String name, Map<String, INDArray> arrays)
      throws IOException {
    try (SeekableByteChannel channel = checkpoint.channel(name);
        SafetensorsFile file = SafetensorsFile.open(channel)) {
      Set<String> found = new TreeSet<>(file.header().tensors().keySet());
      if (!found.equals(new TreeSet<>(arrays.keySet()))) {
        Set<String> missing = new TreeSet<>(arrays.keySet());
        missing.removeAll(found);
        found.removeAll(arrays.keySet());
        throw new IllegalArgumentException(
            "Cannot resume: checkpoint=%s file=%s missing=%s unexpected=%s, expected the tensors of the configured model"
                .formatted(checkpoint, name, missing, found));
      }
      for (Map.Entry<String, INDArray> e : arrays.entrySet()) {
        file.tensor(e.getKey()).loadInto(e.getValue());
      }
    }
  }

  /** Opens checkpoints by the URI of a run, of a checkpoint or of a Hugging Face directory. */
  public static Function<String, Pretrained> pretrained(Configuration hadoop) {
    return uri -> {
      try {
        return UsedCheckpoint.find(uri, hadoop).read();
      } catch (IOException e) {
        throw new BadInputException("Cannot use checkpoint: checkpoint=" + uri, e);
      }
    };
  }

  /** A checkpoint's averaged weights, or its weights where it has no averaged ones. */
  static Map<String, INDArray> weights(Checkpoint checkpoint) throws IOException {
    Map<String, INDArray> tensors = new HashMap<>();
    try (SeekableByteChannel channel = checkpoint.channel(checkpoint.has(EMA) ? EMA : MODEL);
        SafetensorsFile file = SafetensorsFile.open(channel)) {
      for (String name : file.header().tensors().keySet()) {
        tensors.put(name, file.tensor(name).load());
      }
    }
    return tensors;
  }

  /** A checkpoint's configuration and files with these weights. */
  static Pretrained described(Checkpoint checkpoint, Map<String, INDArray> weights)
      throws IOException {
    JsonNode config;
    try (InputStream in = checkpoint.open(CONFIG)) {
      config = JSON.readTree(new String(in.readAllBytes(), UTF_8));
    }
    Map<String, byte[]> files = new HashMap<>();
    for (String name : checkpoint.files()) {
      if (!OWN.contains(name)) {
        try (InputStream in = checkpoint.open(name)) {
          files.put(name, in.readAllBytes());
        }
      }
    }
    return new Pretrained(config, weights, files);
  }

  /** The hash of the weights that {@link #weights} takes. */
  static String sha256(Checkpoint checkpoint) throws IOException {
    return checkpoint.sha256(checkpoint.has(EMA) ? EMA : MODEL);
  }

  /** Reads files by their URI; a directory stands for the tokenizer in it. */
  public static Function<String, byte[]> files(Configuration hadoop) {
    return uri -> {
      Path path = new Path(uri);
      try {
        FileSystem fs = path.getFileSystem(hadoop);
        Path file = fs.getFileStatus(path).isDirectory() ? new Path(path, Tokenizer.FILE) : path;
        try (InputStream in = fs.open(file)) {
          return in.readAllBytes();
        }
      } catch (FileNotFoundException e) {
        throw new BadInputException(
            "Cannot read file: uri=%s does not exist, expected a %s or a directory with one; try `talespark tokenizer --out %s`"
                .formatted(uri, Tokenizer.FILE, uri),
            e);
      } catch (IOException e) {
        throw new UncheckedIOException("Cannot read file: uri=" + uri, e);
      }
    };
  }
}
