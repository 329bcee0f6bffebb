package org.talespark.jobs.infer;

import static java.util.Objects.requireNonNull;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.function.UnaryOperator;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.api.java.JavaSparkContext;
import org.talespark.data.BadInputException;
import org.talespark.data.image.Images;
import org.talespark.data.image.PictureException;
import org.talespark.data.image.Pixels;
import org.talespark.zoo.contrastive.ClipEmbedder;

/** What a task of an embedding job does: the items of a piece through both towers, in order. */
public final class Embedding {

  /**
   * An item and its rows.
   *
   * @param image [P] of length 1, or null without a picture
   * @param text [P] of length 1, or null without a text
   */
  @SuppressWarnings("ArrayRecordComponent")
  public record Embedded(Item item, float[] image, float[] text) {}

  /** Takes embedded items. */
  @FunctionalInterface
  public interface EmbeddedConsumer {
    void accept(Embedded embedded) throws IOException;
  }

  /** More than one, so that an executor that is done early takes work from others. */
  private static final int PARTITIONS_A_SLOT = 2;

  private final ClipEmbedder embedder;
  private final Configuration hadoop;

  /** Uses an embedder, which stays the caller's. */
  public Embedding(ClipEmbedder embedder, Configuration hadoop) {
    this.embedder = requireNonNull(embedder, "embedder");
    this.hadoop = requireNonNull(hadoop, "hadoop");
  }

  /** How many partitions some pieces of work are given out in. */
  public static int partitions(JavaSparkContext context, int pieces) {
    return Math.max(
        1, Math.min(pieces, PARTITIONS_A_SLOT * Math.max(1, context.defaultParallelism())));
  }

  /**
   * Embeds the items of a piece, some at a time.
   *
   * @throws BadInputException naming a picture that cannot be used
   */
  public void run(ItemSource source, EmbeddedConsumer consumer) throws IOException {
    run(source, UnaryOperator.identity(), consumer);
  }

  /**
   * The same of what is wanted of each item.
   *
   * @param wanted leaves out pictures or texts that need no row
   */
  public void run(ItemSource source, UnaryOperator<Item> wanted, EmbeddedConsumer consumer)
      throws IOException {
    List<Item> waiting = new ArrayList<>();
    source.forEach(
        hadoop,
        item -> {
          waiting.add(wanted.apply(item));
          if (waiting.size() == ClipCheckpoint.BATCH) {
            embed(waiting, consumer);
            waiting.clear();
          }
        });
    embed(waiting, consumer);
  }

  private void embed(List<Item> items, EmbeddedConsumer consumer) throws IOException {
    List<float[]> planes = new ArrayList<>();
    List<String> texts = new ArrayList<>();
    for (Item item : items) {
      if (item.image() != null) {
        planes.add(planes(item));
      }
      if (item.text() != null) {
        texts.add(item.text());
      }
    }
    Iterator<float[]> ofImages = embedder.pictures(planes).iterator();
    Iterator<float[]> ofTexts = embedder.texts(texts).iterator();
    for (Item item : items) {
      consumer.accept(
          new Embedded(
              item,
              item.image() == null ? null : ofImages.next(),
              item.text() == null ? null : ofTexts.next()));
    }
  }

  private float[] planes(Item item) {
    try {
      Pixels pixels = Images.decode(item.image());
      return embedder.processor().planes(pixels.rgb(), pixels.width(), pixels.height());
    } catch (PictureException e) {
      throw new BadInputException(
          "Cannot embed: picture=%s reason=%s, expected a PNG, JPEG, WebP, BMP, GIF or TIFF file; %s"
              .formatted(item.key(), e.reason().id(), e.getMessage()),
          e);
    } catch (IllegalArgumentException e) {
      throw new BadInputException(
          "Cannot embed: picture=%s; %s".formatted(item.key(), e.getMessage()), e);
    }
  }
}
