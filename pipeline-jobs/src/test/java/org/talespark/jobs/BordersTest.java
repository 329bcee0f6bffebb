package org.talespark.jobs;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.GeneralCodingRules.NO_CLASSES_SHOULD_USE_JAVA_UTIL_LOGGING;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.lang.ArchRule;
import org.junit.jupiter.api.Test;

/** The borders between modules and packages, as docs/architecture.md draws them. */
class BordersTest {

  private static final JavaClasses CLASSES =
      new ClassFileImporter()
          .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
          .importPackages("org.talespark");

  private static final String DATA = "org.talespark.data..";
  private static final String ZOO = "org.talespark.zoo..";
  private static final String JOBS = "org.talespark.jobs..";

  @Test
  void dataKnowsNoModelAndNoJob() {
    check(
        noClasses()
            .that()
            .resideInAPackage(DATA)
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage(ZOO, JOBS, "org.nd4j..", "org.deeplearning4j.."));
  }

  @Test
  void theZooKnowsNoSparkNoHadoopNoDataAndNoJob() {
    check(
        noClasses()
            .that()
            .resideInAPackage(ZOO)
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage(
                "org.apache.spark..", "org.apache.hadoop..", "scala..", DATA, JOBS));
  }

  @Test
  void packagesOfTheZooHaveNoCycles() {
    check(slices().matching("org.talespark.zoo.(*)..").should().beFreeOfCycles());
  }

  @Test
  void onlyTheRuntimeReachesIntoTheProcess() {
    check(
        noClasses()
            .that()
            .resideOutsideOfPackage("org.talespark.zoo.runtime..")
            .should()
            .dependOnClassesThat()
            .resideInAPackage("com.sun.jna.."));
  }

  @Test
  void nothingSerializesJavaObjectsIntoFiles() {
    check(
        noClasses()
            .that()
            // reads what the parameter server sends, through a filter
            .haveNameNotMatching("org\\.talespark\\.jobs\\.sharing\\.MessageReader(\\$.*)?")
            .should()
            .dependOnClassesThat()
            .belongToAnyOf(java.io.ObjectOutputStream.class, java.io.ObjectInputStream.class));
  }

  @Test
  void nobodyUsesJavaUtilLogging() {
    check(NO_CLASSES_SHOULD_USE_JAVA_UTIL_LOGGING);
  }

  @Test
  void onlyMainEndsTheProcess() {
    check(
        noClasses()
            .that()
            .doNotHaveFullyQualifiedName(Talespark.class.getName())
            .should()
            .callMethod(System.class, "exit", int.class));
  }

  @Test
  void shadedCopiesInsideLibrariesAreNotOurs() {
    check(
        noClasses()
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage(
                "org.nd4j.shade..", "org.sparkproject..", "org.apache.hadoop.shaded.."));
  }

  private static void check(ArchRule rule) {
    rule.check(CLASSES);
  }
}
