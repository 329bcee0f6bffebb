package org.talespark.data;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.ArchConfiguration;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class ArchitectureTest {

  private static JavaClasses classes;

  @BeforeAll
  static void readClasses() {
    // names are all that the rules need; resolving Spark and OpenCV would take many seconds
    ArchConfiguration.get().setResolveMissingDependenciesFromClassPath(false);
    classes =
        new ClassFileImporter()
            .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
            .importPackages("org.talespark.data");
    assertThat(classes.size()).isGreaterThan(40);
  }

  @Test
  void dataPreparationKnowsNoModel() {
    noClasses()
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(
            "org.talespark.zoo..", "org.talespark.jobs..", "org.nd4j..", "org.deeplearning4j..")
        .check(classes);
  }

  @Test
  void picturesAndScenesKnowNoSpark() {
    noClasses()
        .that()
        .resideInAnyPackage("org.talespark.data.image..", "org.talespark.data.scenes..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage("org.apache.spark..", "org.apache.hadoop..", "scala..")
        .check(classes);
  }

  @Test
  void readersDoNotDependOnTheJob() {
    noClasses()
        .that()
        .resideInAPackage("org.talespark.data.dataset..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage("org.talespark.data.prepare..", "org.apache.spark..")
        .check(classes);
  }

  @Test
  void corpusReadersKnowNeitherTheJobNorSpark() {
    noClasses()
        .that()
        .resideInAPackage("org.talespark.data.corpus..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage("org.talespark.data.prepare..", "org.apache.spark..")
        .check(classes);
  }

  @Test
  void theRulesSeeDependenciesAtAll() {
    assertThat(
            noClasses()
                .should()
                .dependOnClassesThat()
                .resideInAPackage("org.apache.spark..")
                .evaluate(classes)
                .hasViolation())
        .isTrue();
  }
}
